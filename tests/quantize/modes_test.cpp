// Dynamic and weight-only: prepare and convert without statistics, and what they write.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <nlohmann/json.hpp>

#include "converted.h"
#include "exec/reference/interpreter.h"
#include "onnxio/onnxio.h"
#include "quantize/stored_weights.h"
#include "quantize/to_dynamic.h"

using namespace qtool;
using namespace qtool::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

PrepareOptions in_mode(Mode mode, const std::string& built_in) {
  PrepareOptions options{QConfigMapping::built_in(built_in), BackendConfig::built_in("x86"), {}, {}};
  options.mode = mode;
  return options;
}
PrepareOptions dynamic() { return in_mode(Mode::dynamic, "dynamic"); }
PrepareOptions int8_weights() { return in_mode(Mode::weight_only, "weight-only-int8"); }
PrepareOptions int4_weights() { return in_mode(Mode::weight_only, "weight-only-int4"); }

Model through(Model model, const PrepareOptions& options, Dialect dialect = Dialect::onnx) {
  Diagnostics diagnostics;
  prepare(model, options, diagnostics);
  ConvertOptions convert_options;
  convert_options.dialect = dialect;
  convert(model, {}, convert_options, diagnostics);
  return reloaded(model);
}

const char* const kAttention = R"(
  g (float[1, 16, 64] x, float[64, 64] wq, float[64, 64] wk, float[64] bq, float[64, 8] head, float[8] bh, float[1, 16] mask) =>
      (float[1, 16, 16] s, float[16, 8] y) {
    [q] q0 = MatMul (x, wq)
    [qb] qs = Add (q0, bq)
    [k] ks = MatMul (x, wk)
    [kt] kt = Transpose <perm = [0, 2, 1]> (ks)
    [scores] s = MatMul (qs, kt)
    shape = Constant <value_ints = [16, 64]> ()
    [flat] f = Reshape (qs, shape)
    [head] y0 = Gemm <alpha = 0.5> (f, head, bh)
    [relu] y = Relu (y0)
  })";

Model attention() {
  Model model = model_of(kAttention, 17);
  add_weights(model, {"wq", "wk", "bq", "head", "bh", "mask"});
  return model;
}

Model recurrent(const std::string& op, int gates) {
  const std::string rows = std::to_string(gates * 16);
  Model model = model_of("g (float[5, 2, 40] x, float[2, " + rows + ", 40] w, float[2, " + rows + ", 16] r, float[2, " +
                             std::to_string(2 * gates * 16) + "] b) => (float[5, 2, 2, 16] y) {\n [rnn] y = " + op +
                             " <hidden_size = 16, direction = \"bidirectional\"> (x, w, r, b) }",
                         17);
  add_weights(model, {"w", "r", "b"});
  return model;
}

/// Greatest difference of the outputs of two models, as a part of the greatest output.
float difference(const Model& a, const Model& b) {
  std::vector<Tensor> in;
  for (const Node* node : a.graph->placeholders()) in.push_back(random_tensor(node->out(0)->type.dtype, *node->out(0)->type.shape(), "in"));
  const auto want = Interpreter(a).run(in), found = Interpreter(b).run(in);
  float most = 0, largest = 0;
  for (size_t i = 0; i < want.size(); ++i)
    for (int64_t j = 0; j < want[i].size(); ++j) {
      most = std::max(most, std::fabs(want[i].floats()[static_cast<size_t>(j)] - found[i].floats()[static_cast<size_t>(j)]));
      largest = std::max(largest, std::fabs(want[i].floats()[static_cast<size_t>(j)]));
    }
  return most / largest;
}

size_t float_elements(const Model& model) {
  size_t found = 0;
  for (const Node& node : model.graph->nodes())
    if (node.weight && node.weight->tensor.dtype() == DType::float32) found += static_cast<size_t>(node.weight->tensor.size());
  return found;
}

}  // namespace

TEST_CASE("dynamic: products with constant weights become MatMulInteger in the form ONNX Runtime fuses") {
  const Model model = through(attention(), dynamic());
  CHECK(count(model, "MatMulInteger") == 3);
  CHECK(count(model, "DynamicQuantizeLinear") == 2);  // x is quantized once for q and k
  CHECK(count(model, "Gemm") == 0);
  CHECK(count(model, "MatMul") == 1);  // both operands of the scores are activations
  for (const Node& node : model.graph->nodes()) {
    if (!node.is("MatMulInteger")) continue;
    CHECK(node.in(0)->producer().is("DynamicQuantizeLinear"));
    CHECK(node.in(2) == node.in(0)->producer().out(2));
    CHECK(node.in(1)->constant()->dtype() == DType::int8);
    const Node& cast = *node.out(0)->uses()[0].node;
    REQUIRE(cast.is("Cast"));
    const Node& scaled = *cast.out(0)->uses()[0].node;
    REQUIRE(scaled.is("Mul"));
    CHECK(scaled.in(1)->producer().in(0) == node.in(0)->producer().out(1));
  }
  CHECK(model.functions.empty());
  CHECK(model.opsets.size() == 1);
}

TEST_CASE("dynamic: alpha of a Gemm, a transposed weight and the bias are all in the result") {
  CHECK(difference(attention(), through(attention(), dynamic())) < 0.03f);
  Model gemm = model_of("g (float[4, 64] x, float[8, 64] w, float[8] b) => (float[4, 8] y) { [mm] y = Gemm <transB = 1> (x, w, b) }", 13);
  add_weights(gemm, {"w", "b"});
  const Model result = through(copy(gemm), dynamic());
  CHECK(node_named(result, "mm").is("Add"));
  CHECK(difference(gemm, result) < 0.02f);
}

TEST_CASE("dynamic: what has no integer form stays float, with the reason") {
  Model model = model_of(R"(
    g (float[64, 4] x, float[1, 3, 8, 8] p, float[64, 8] w, float[4] v, float[8, 3, 1, 1] c) => (float[4, 8] y, float[1, 8, 8, 8] z, float[64] u) {
      [turned] y = Gemm <transA = 1> (x, w)
      [vector] u = MatMul (x, v)
      [conv] z = Conv (p, c)
    })",
                         13);
  add_weights(model, {"w", "v", "c"});
  Diagnostics diagnostics;
  const QuantPlan plan = prepare(model, dynamic(), diagnostics);
  CHECK(decision(plan, "turned").reasons.at(0) == "it transposes its input");
  CHECK(decision(plan, "vector").reasons.at(0) == "its weight is a vector");
  CHECK_THAT(decision(plan, "conv").reasons.at(0), ContainsSubstring("at run time"));
  CHECK(diagnostics.all().size() == 3);
}

TEST_CASE("dynamic: recurrences keep int8 weights behind DQ, and are named in qtool.dynamic") {
  for (const auto& [op, gates] : {std::pair("LSTM", 4), std::pair("GRU", 3), std::pair("RNN", 1)}) {
    const Model before = recurrent(op, gates);
    const Model model = through(copy(before), dynamic());
    const Node& node = node_named(model, "rnn");
    for (const size_t input : {size_t{1}, size_t{2}}) {
      REQUIRE(node.in(input)->producer().is("DequantizeLinear"));
      CHECK(node.in(input)->producer().in(0)->constant()->dtype() == DType::int8);
      CHECK(node.in(input)->producer().attr_or("axis", int64_t{0}) == 1);
    }
    REQUIRE(model.find_metadata(kDynamicKey));
    CHECK(nlohmann::json::parse(*model.find_metadata(kDynamicKey)) == nlohmann::json{{"rnn", {{"activation", "uint8"}}}});
    CHECK(difference(before, model) < 0.05f);
  }
}

TEST_CASE("an LSTM whose sequence nobody reads is quantized as well") {
  Model model = model_of(
      "g (float[5, 2, 40] x, float[1, 64, 40] w, float[1, 64, 16] r) => (float[1, 2, 16] h) { [rnn] _, h = LSTM <hidden_size = 16> (x, w, "
      "r) }",
      17);
  add_weights(model, {"w", "r"});
  CHECK(node_named(through(copy(model), dynamic()), "rnn").in(1)->producer().is("DequantizeLinear"));
  CHECK(node_named(through(copy(model), dynamic(), Dialect::ort), "rnn").out(1)->name() == "h");
}

TEST_CASE("dynamic --dialect ort: an LSTM becomes DynamicQuantizeLSTM with codes [dirs, in, gates], a GRU stays") {
  const Model model = through(recurrent("LSTM", 4), dynamic(), Dialect::ort);
  const Node& node = node_named(model, "rnn");
  CHECK(node.target() == "com.microsoft.DynamicQuantizeLSTM");
  CHECK(node.in(1)->constant()->shape() == Shape{2, 40, 64});
  CHECK(node.in(2)->constant()->shape() == Shape{2, 16, 64});
  CHECK(node.in(8)->constant()->shape() == Shape{2, 64});
  CHECK(model.opset("com.microsoft") == 1);
  CHECK(node.out(0)->name() == "y");
  CHECK(node_named(through(recurrent("GRU", 3), dynamic(), Dialect::ort), "rnn").is("GRU"));
}

TEST_CASE("weight-only int8: weights per channel, a table by rows, activations float") {
  Model before = model_of(R"(
    g (int64[1, 16] i, float[128, 32] table, float[32, 128] w, float[128] b, float[8, 128] h) => (float[16, 8] y) {
      [embed] e = Gather (table, i)
      [linear] l0 = MatMul (e, w)
      [bias] l = Add (l0, b)
      [relu] r = Relu (l)
      shape = Constant <value_ints = [16, 128]> ()
      [flat] f = Reshape (r, shape)
      [head] y = Gemm <transB = 1> (f, h)
    })",
                          13);
  add_weights(before, {"table", "w", "b", "h"});
  const Model model = through(copy(before), int8_weights());
  const auto axis_of = [&](const char* name, size_t input) {
    const Node& dequantize = node_named(model, name).in(input)->producer();
    REQUIRE(dequantize.is("DequantizeLinear"));
    return dequantize.attr_or("axis", int64_t{-1});
  };
  CHECK(axis_of("embed", 0) == 0);
  CHECK(axis_of("linear", 1) == 1);
  CHECK(axis_of("head", 1) == 0);
  CHECK(count(model, "QuantizeLinear") == 0);
  CHECK(model.opset() == 13);
  CHECK(float_elements(model) == 128 + 128 + 128 + 8);  // scales and the bias
  CHECK(difference(before, model) < 0.02f);
}

TEST_CASE("weight-only int4: groups along the sum, opset 21, half a byte an element") {
  Model before = model_of("g (float[4, 80] x, float[80, 64] w) => (float[4, 64] y) { [mm] y = MatMul (x, w) }", 13);
  add_weights(before, {"w"});
  Model prepared = copy(before);
  Diagnostics diagnostics;
  prepare(prepared, int4_weights(), diagnostics);
  CHECK(prepared.opset() == 21);
  convert(prepared, {}, {}, diagnostics);
  const Model model = reloaded(prepared);
  const Node& dequantize = node_named(model, "mm").in(1)->producer();
  CHECK(dequantize.attr_or("block_size", int64_t{0}) == 32);
  CHECK(dequantize.attr_or("axis", int64_t{-1}) == 0);
  CHECK(dequantize.in(0)->constant()->dtype() == DType::int4);
  CHECK(dequantize.in(1)->constant()->shape() == Shape{3, 64});  // 80 = 32 + 32 + 16
  CHECK(onnxio::serialize(prepared).size() < onnxio::serialize(before).size() - 80 * 64 * 4 + 80 * 64 / 2 + 3 * 64 * 4 + 3000);
  CHECK(difference(before, model) < 0.15f);
}

TEST_CASE("groups: each has its own scale, the last may be shorter, codes lie as the weight does") {
  const Tensor weight = Tensor::of<float>({3, 2}, {7, -70, 3.5, 35, -0.7f, 0.07f});
  ObserverSpec spec;
  spec.observer = "minmax";
  spec.dtype = DType::int4;
  spec.codes = {-7, 7};
  spec.qscheme = QScheme::per_channel_symmetric;
  spec.group_size = 2;
  const GroupedCodes made = quantize_in_groups(weight, spec, 0);
  CHECK(made.scales.to_floats() == std::vector<float>{1, 10, 0.1f, 0.01f});
  CHECK(made.codes.to_ints() == std::vector<int64_t>{7, -7, 4, 4, -7, 7});
  CHECK(made.block == 2);
  CHECK_FALSE(made.zero_points.defined());
}

TEST_CASE("convert takes another weight-only qconfig than prepare did, and lifts as far as that needs") {
  Model model = model_of("g (float[4, 64] x, float[64, 64] w) => (float[4, 64] y) { [mm] y = MatMul (x, w) }", 13);
  add_weights(model, {"w"});
  Diagnostics diagnostics;
  prepare(model, int8_weights(), diagnostics);
  CHECK(model.opset() == 13);
  convert(model, {}, {QConfigMapping::built_in("weight-only-int4"), "", Dialect::onnx}, diagnostics);
  CHECK(model.opset() == 21);
  CHECK(node_named(model, "mm").in(1)->producer().attr_or("block_size", int64_t{0}) == 32);
}

TEST_CASE("a weight read by two layers is stored once; one that a float node reads too is kept in float as well") {
  Model model = model_of(R"(
    g (float[4, 64] x, float[64, 64] w) => (float[4, 64] y, float[64, 64] z) {
      [one] a = MatMul (x, w)
      [two] y = MatMul (a, w)
      [other] z = Exp (w)
    })",
                         13);
  add_weights(model, {"w"});
  const Model dynamic_model = through(copy(model), dynamic());
  size_t codes = 0;
  for (const Node& node : dynamic_model.graph->nodes()) codes += node.weight && node.weight->tensor.dtype() == DType::int8;
  CHECK(codes == 1);
  CHECK(difference(model, dynamic_model) < 0.05f);
}

TEST_CASE("the mode a qconfig is made for") {
  CHECK(mode_of(QConfigMapping::built_in("x86")) == Mode::static_range);
  CHECK(mode_of(QConfigMapping::built_in("dynamic")) == Mode::dynamic);
  CHECK(mode_of(QConfigMapping::built_in("weight-only-int4")) == Mode::weight_only);
}

TEST_CASE("a qconfig of another mode leaves everything float, with the reason") {
  Model model = attention();
  Diagnostics diagnostics;
  const QuantPlan plan = prepare(model, in_mode(Mode::dynamic, "x86"), diagnostics);
  CHECK_FALSE(plan.quantizes_anything());
  CHECK_THAT(decision(plan, "k").reasons.at(0), ContainsSubstring("placeholder"));
}
