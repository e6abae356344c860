// Printed graphs of small networks through prepare and convert, kept in testdata/quantize/. QTOOL_RECORD=1 writes them anew.

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_all.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "converted.h"
#include "reference_backend.h"

using namespace qtool;
using namespace qtool::testing;

namespace {

/// What to_table prints against the file of that name.
void check_golden(const std::string& name, const Model& model) {
  const std::string path = std::string(QTOOL_SOURCE_DIR) + "/testdata/quantize/" + name + ".txt", found = to_table(*model.graph);
  if (std::getenv("QTOOL_RECORD")) std::ofstream(path) << found;
  std::ifstream file(path);
  const std::string kept{std::istreambuf_iterator<char>(file), {}};
  INFO(path);
  CHECK(found == kept);
}

Model prepared(Model model, const PrepareOptions& options) {
  Diagnostics diagnostics;
  prepare(model, options, diagnostics);
  return model;
}

/// Convolutions with batch normalization and ReLU, a residual path, pooling, a linear layer.
Model small_network() {
  Model model = model_of(R"(
    g (float[1, 16, 8, 8] x, float[16, 16, 3, 3] w1, float[16] g1, float[16] b1, float[16] m1, float[16] v1, float[16, 16, 3, 3] w2,
       float[16] b2, float[16, 10] wl, float[10] bl) => (float[1, 10] y) {
      [conv1] c1 = Conv <pads = [1, 1, 1, 1]> (x, w1)
      [bn1] n1 = BatchNormalization (c1, g1, b1, m1, v1)
      [relu1] r1 = Relu (n1)
      [conv2] c2 = Conv <pads = [1, 1, 1, 1]> (r1, w2, b2)
      [add] s = Add (c2, r1)
      [relu2] r2 = Relu (s)
      [pool] p = GlobalAveragePool (r2)
      [flat] f = Flatten (p)
      [linear] y = Gemm (f, wl, bl)
    })",
                         13);
  add_weights(model, {"w1", "g1", "b1", "m1", "v1", "w2", "b2", "wl", "bl"});
  for (float& value : model.graph->find("v1")->producer().weight->tensor.mutable_data<float>()) value = value * value + 0.5f;
  return model;
}

PrepareOptions options_of(const std::string& qconfig, const std::string& backend) {
  return {QConfigMapping::parse(qconfig, "q.json"), BackendConfig::built_in(backend), {}, {}};
}

constexpr const char* kUint8 = R"({"observer": "minmax", "dtype": "uint8", "qscheme": "per_tensor_affine"})";
constexpr const char* kInt8Weight = R"({"observer": "per_channel_minmax", "dtype": "int8", "qscheme": "per_channel_symmetric"})";

std::string rule(const std::string& activation) { return R"({"activation": )" + activation + R"(, "weight": )" + kInt8Weight + "}"; }

const Node& quantizer(const Model& model, const std::string& codes) { return model.graph->find(codes)->producer(); }

}  // namespace

TEST_CASE("golden: the reference cases as prepared") {
  check_golden("linear-conv-relu-sigmoid", prepared(reference_network(false), reference_options(127, "0.000244140625")));
  check_golden("linear-conv-bn-relu-sigmoid", prepared(reference_network(true), reference_options(127, "0.000244140625")));
  check_golden("linear-conv-relu-sigmoid-nothing", prepared(reference_network(false), reference_options(255, "1.19e-7")));
}

TEST_CASE("golden: the reference cases as converted, one Q/DQ pair between linear and conv") {
  const Model both = converted(reference_network(false), reference_options(127, "0.000244140625"));
  check_golden("linear-conv-relu-sigmoid.int8", both);
  CHECK(count(both, "QuantizeLinear") == 3);  // x, between, behind Relu
  check_golden("linear-conv-bn-relu-sigmoid.int8", converted(reference_network(true), reference_options(127, "0.000244140625")));
  const Model none = converted(reference_network(false), reference_options(255, "1.19e-7"));
  CHECK(count(none, "QuantizeLinear") + count(none, "DequantizeLinear") == 0);
}

TEST_CASE("golden: conv1 float by module_name null") {
  const Model model =
      converted(small_network(), options_of(R"({"global": )" + rule(kUint8) + R"(, "module_name": {"conv1": null}})", "x86"));
  check_golden("conv1-float", model);
  CHECK(node_named(model, "conv1").in(1)->constant());
}

TEST_CASE("golden: two qconfigs in one network, a Q/DQ pair between") {
  const std::string seven_bits = R"({"observer": "minmax", "dtype": "uint8", "quant_max": 127, "qscheme": "per_tensor_affine"})";
  const Model model = converted(
      small_network(), options_of(R"({"global": )" + rule(kUint8) + R"(, "module_name": {"conv1": )" + rule(seven_bits) + "}}", "x86"));
  check_golden("two-qconfigs", model);
  const Node &first = quantizer(model, "r1_q"), &second = quantizer(model, "r2_q");
  CHECK(first.in(1)->constant()->number_at(0) > 1.9 * second.in(1)->constant()->number_at(0));
}

TEST_CASE("golden: every backend on one network") {
  const std::string name = GENERATE(from_range(BackendConfig::built_in_names()));
  const Model model = converted(small_network(), {QConfigMapping::built_in(name), BackendConfig::built_in(name), {}, {}});
  check_golden("backend-" + name, model);
}
