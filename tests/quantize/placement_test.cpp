// Each key of a backend's placement does what docs/backends.md says.

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <nlohmann/json.hpp>
#include <set>

#include "converted.h"

using namespace qtool;
using namespace qtool::testing;
using Catch::Matchers::ContainsSubstring;
using Json = nlohmann::ordered_json;

namespace {

/// The built-in backend with some keys of its placement changed, and a qconfig (the backend's own where none is given).
PrepareOptions placed(const std::string& name, const std::string& changes, const std::string& qconfig = "") {
  Json backend = Json::parse(BackendConfig::built_in(name).to_json());
  backend["placement"].update(Json::parse(changes));
  return {qconfig.empty() ? QConfigMapping::built_in(name) : QConfigMapping::parse(qconfig, "q.json"),
          BackendConfig::parse(backend.dump(), "changed.json"),
          {},
          {}};
}

Model residual(int opset = 13) {
  Model model = model_of(R"(
    g (float[1, 3, 8, 8] x, float[4, 3, 3, 3] w1, float[4] b1, float[4, 4, 3, 3] w2, float[4] b2) => (float[1, 4, 8, 8] y) {
      [conv1] c1 = Conv <pads = [1, 1, 1, 1]> (x, w1, b1)
      [relu1] r1 = Relu (c1)
      [conv2] c2 = Conv <pads = [1, 1, 1, 1]> (r1, w2, b2)
      [add] s = Add (c2, r1)
      [relu2] r2 = Relu (s)
      [pool] p = MaxPool <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> (r2)
      [conv3] y = Conv <pads = [1, 1, 1, 1]> (p, w2, b2)
    })",
                         opset);
  add_weights(model, {"w1", "b1", "w2", "b2"});
  return model;
}

/// Names of the tensors that pass a Q, in order.
std::vector<std::string> quantized_tensors(const Model& model) {
  std::vector<std::string> names;
  for (const Node& node : model.graph->nodes())
    if (node.is("QuantizeLinear")) names.push_back(node.out(0)->name());
  return names;
}

double zero_point_of(const Model& model, const std::string& codes) {
  return model.graph->find(codes)->producer().in(2)->constant()->number_at(0);
}

std::string reasons(const QuantPlan& plan, const std::string& node) {
  std::string all;
  for (const std::string& reason : decision(plan, node).reasons) all += reason + "\n";
  return all;
}

struct Prepared {
  Model model;
  QuantPlan plan;
  std::vector<Diagnostic> said;
};

Prepared prepared(Model model, const PrepareOptions& options) {
  Prepared result{std::move(model), {}, {}};
  Diagnostics diagnostics;
  result.plan = prepare(result.model, options, diagnostics);
  result.said = diagnostics.all();
  return result;
}

constexpr const char* kSymmetric = R"({"global": {
  "activation": {"observer": "minmax", "dtype": "int8", "qscheme": "per_tensor_symmetric"},
  "weight": {"observer": "per_channel_minmax", "dtype": "int8", "qscheme": "per_channel_symmetric"}}})";

}  // namespace

TEST_CASE("placement inputs_only: codes in front of convolutions and of the skip branch of an Add, none behind; zero points 0") {
  const Model model = converted(residual(), placed("tensorrt", R"({"min_channels": 0})"));
  CHECK(quantized_tensors(model) == std::vector<std::string>{"x_q", "r1_q", "r2_q", "p_q"});
  for (const char* codes : {"x_q", "r1_q", "r2_q", "p_q"}) CHECK(zero_point_of(model, codes) == 0);
  CHECK(node_named(model, "add").in(0) == node_named(model, "conv2").out(0));
  CHECK(node_named(model, "add").in(1)->producer().is("DequantizeLinear"));
  CHECK(model.graph->output().in(0)->producer().is("Conv"));
  CHECK(node_named(model, "conv1").in(2)->constant()->dtype() == DType::float32);  // bias float
}

TEST_CASE("add_inputs skip_only: the branch out of a Conv stays float, elsewhere nothing changes") {
  const Model both = converted(residual(), placed("x86", "{}"));
  const Model skip = converted(residual(), placed("x86", R"({"add_inputs": "skip_only"})"));
  CHECK(quantized_tensors(both) == std::vector<std::string>{"x_q", "r1_q", "c2_q", "r2_q", "p_q", "y_q"});
  CHECK(quantized_tensors(skip) == std::vector<std::string>{"x_q", "r1_q", "r2_q", "p_q", "y_q"});
}

TEST_CASE("relu_zp: behind Relu a symmetric scheme starts at the lowest code, or is left alone") {
  auto zero_points = [](const char* changes) {
    Diagnostics diagnostics;
    const PrepareOptions options = placed("x86", changes, kSymmetric);
    Model model = residual();
    prepare(model, options, diagnostics);
    Stats stats = seen_everywhere(model);
    stats.tensors["r1"] = {};
    stats.tensors["r1"].observe(std::vector<float>{0, 1, 2}, SampleId("a"));
    convert(model, stats, {}, diagnostics);
    return std::pair(zero_point_of(model, "r1_q"), zero_point_of(model, "c2_q"));
  };
  CHECK(zero_points("{}") == std::pair(-128.0, 0.0));
  CHECK(zero_points(R"({"relu_zp": "free"})") == std::pair(0.0, 0.0));
}

TEST_CASE("constant_operands: codes, or as they are") {
  auto added = [](const char* changes) {
    Model model = model_of(R"(
      g (float[1, 3, 8, 8] x, float[4, 3, 3, 3] w, float[4, 1, 1] k, float[4, 4, 1, 1] v) => (float[1, 4, 6, 6] y, float[1, 4, 6, 6] z) {
        [conv] c = Conv (x, w)
        [relu] r = Relu (c)
        [mul] m = Mul (r, k)
        [one] y = Conv (m, v)
        [two] z = Conv (m, v)
      })");
    add_weights(model, {"w", "k", "v"});
    return converted(std::move(model), placed("x86", changes));
  };
  CHECK(node_named(added("{}"), "mul").in(1)->producer().is("DequantizeLinear"));
  const Model plain = added(R"({"constant_operands": "float"})");
  CHECK(node_named(plain, "mul").in(1)->constant()->dtype() == DType::float32);
  CHECK(node_named(plain, "mul").in(0)->producer().is("DequantizeLinear"));
}

TEST_CASE("conv_epilogues: a group with another operator behind its convolution stays float") {
  CHECK(decision(prepared(residual(), placed("x86", R"({"conv_epilogues": ["Relu"]})")).plan, "conv1").quantized);
  const Prepared none = prepared(residual(), placed("x86", R"({"conv_epilogues": []})"));
  CHECK_THAT(reasons(none.plan, "conv1"), ContainsSubstring("no Relu between Conv and its Q"));
  CHECK(decision(none.plan, "conv3").quantized);
}

TEST_CASE("pass_through: one set of parameters on both sides") {
  auto group = [](const char* changes) {
    Model model = model_of(R"(
      g (float[1, 3, 8, 8] x, float[4, 3, 3, 3] w, float[4, 4, 1, 1] v) => (float[1, 4, 4, 4] y) {
        [conv] c = Conv (x, w)
        [pool] p = AveragePool <kernel_shape = [3, 3]> (c)
        [last] y = Conv (p, v)
      })");
    add_weights(model, {"w", "v"});
    const Prepared made = prepared(std::move(model), placed("x86", changes));
    return made.plan.tensors.at(made.model.graph->find("c")).group == made.plan.tensors.at(made.model.graph->find("p")).group;
  };
  CHECK_FALSE(group("{}"));
  CHECK(group(R"({"pass_through": ["AveragePool"]})"));
}

TEST_CASE("share_scale: inputs and output of a Concat are one group") {
  Model model = model_of(R"(
    g (float[1, 3, 8, 8] x, float[4, 3, 3, 3] w, float[4, 3, 3, 3] u, float[4, 8, 1, 1] v) => (float[1, 4, 6, 6] y) {
      [a] p = Conv (x, w)
      [b] q = Conv (x, u)
      [join] j = Concat <axis = 1> (p, q)
      [last] y = Conv (j, v)
    })");
  add_weights(model, {"w", "u", "v"});
  const Prepared apart = prepared(copy(model), placed("x86", "{}")),
                 one = prepared(copy(model), placed("x86", R"({"share_scale": ["Concat"]})"));
  auto groups = [](const Prepared& made) {
    std::set<size_t> all;
    for (const char* name : {"p", "q", "j"}) all.insert(made.plan.tensors.at(made.model.graph->find(name)).group);
    return all.size();
  };
  CHECK(groups(apart) == 3);
  CHECK(groups(one) == 1);
}

TEST_CASE("never_quantize, min_macs, min_channels: the operator stays float and says why") {
  auto why = [](const char* changes, const char* node) { return reasons(prepared(residual(), placed("x86", changes)).plan, node); };
  CHECK_THAT(why(R"({"never_quantize": ["Add"]})", "add"), ContainsSubstring("never quantizes Add"));
  CHECK(why(R"({"min_macs": 6912})", "conv1") == "");  // 8 * 8 * 4 * 3 * 3 * 3
  CHECK_THAT(why(R"({"min_macs": 6913})", "conv1"), ContainsSubstring("6912 multiply-adds"));
  CHECK(why(R"({"min_macs": 6913})", "conv2") == "");
  CHECK_THAT(why(R"({"min_channels": 5})", "conv1"), ContainsSubstring("4 output channels"));
}

TEST_CASE("opset_min lifts the model, opset_max warns") {
  CHECK(prepared(residual(13), placed("x86", R"({"opset_min": 17})")).model.opset() == 17);
  CHECK(prepared(residual(13), placed("x86", "{}")).model.opset() == 13);
  auto warned = [](const Prepared& made) {
    return std::any_of(made.said.begin(), made.said.end(), [](const Diagnostic& each) { return each.kind == "opset"; });
  };
  CHECK(warned(prepared(residual(17), placed("x86", R"({"opset_max": 16})"))));
  CHECK_FALSE(warned(prepared(residual(16), placed("x86", R"({"opset_max": 16})"))));
}

TEST_CASE("max_weight_abs and fixed_range bound codes and ranges") {
  const Model model = converted(residual(), placed("x86", R"({"max_weight_abs": 64, "fixed_range": {"Add": [-2, 2]}})"));
  for (const Node& node : model.graph->nodes()) {
    if (node.kind() != NodeKind::get_attr || node.out(0)->name() != "w1_q") continue;
    double most = 0;
    for (int64_t i = 0; i < node.out(0)->constant()->size(); ++i) most = std::max(most, std::abs(node.out(0)->constant()->number_at(i)));
    CHECK(most == 64);
  }
  const Node& quantize = model.graph->find("r2_q")->producer();
  CHECK(quantize.in(1)->constant()->number_at(0) == 4.0 / 256);
}
