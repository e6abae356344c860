// Models with Q/DQ of their own, as quantization-aware training exports them.

#include <catch2/catch_test_macros.hpp>

#include "converted.h"

using namespace qtool;
using namespace qtool::testing;

namespace {

/// x -Q/DQ- Conv(w -Q/DQ-) -Relu -Q/DQ- pool - Gemm: the head was left out of the training.
Model trained() {
  Model model = model_of(R"(
    g (float[1, 3, 6, 6] x, float[4, 3, 3, 3] w, float[4] b, float[10, 4] v, float[10] c) => (float[1, 10] y)
      <float xs = {0.02}, uint8 xz = {117}, float[4] ws = {0.004, 0.005, 0.006, 0.0071}, int8[4] wz = {0, 0, 0, 0},
       float rs = {0.031}, uint8 rz = {0}> {
      xq = QuantizeLinear (x, xs, xz)
      xd = DequantizeLinear (xq, xs, xz)
      wq = QuantizeLinear <axis = 0> (w, ws, wz)
      wd = DequantizeLinear <axis = 0> (wq, ws, wz)
      [conv] k = Conv (xd, wd, b)
      [relu] r = Relu (k)
      rq = QuantizeLinear (r, rs, rz)
      rd = DequantizeLinear (rq, rs, rz)
      [pool] p = GlobalAveragePool (rd)
      [flat] f = Flatten (p)
      [head] y = Gemm <transB = 1> (f, v, c)
    })",
                         13);
  add_weights(model, {"w", "b", "v", "c"});
  return model;
}

std::vector<float> scale_at(const Model& model, const std::string& real) {
  return model.graph->find(real)->producer().in(1)->constant()->to_floats();
}

}  // namespace

TEST_CASE("imported: scales are kept to the bit and nothing is added") {
  const Model model = converted(trained());
  CHECK(count(model, "QuantizeLinear") == 2);  // x and r: the weight's is folded
  CHECK(scale_at(model, "xd") == std::vector<float>{0.02f});
  CHECK(scale_at(model, "rd") == std::vector<float>{0.031f});
  CHECK(scale_at(model, "wd") == std::vector<float>{0.004f, 0.005f, 0.006f, 0.0071f});
  CHECK(node_named(model, "head").in(1)->constant()->dtype() == DType::float32);
}

TEST_CASE("imported: weights become codes, biases int32 of input scale times weight scale") {
  const Model model = converted(trained());
  const Node& conv = node_named(model, "conv");
  const Tensor* codes = conv.in(1)->producer().in(0)->constant();
  REQUIRE(codes);
  CHECK(codes->dtype() == DType::int8);
  const Tensor w = random_tensor(DType::float32, {4, 3, 3, 3}, "w");
  const QuantParams params{DType::int8, 0, {0.004f, 0.005f, 0.006f, 0.0071f}, {0, 0, 0, 0}};
  CHECK(codes->to_floats() == quantize(w, params, full_range(DType::int8)).to_floats());
  const Node& bias = conv.in(2)->producer();
  CHECK(bias.in(0)->constant()->dtype() == DType::int32);
  CHECK(bias.in(1)->constant()->to_floats()[3] == 0.02f * 0.0071f);
  CHECK(conv.in(2)->name() == "b");
}

TEST_CASE("imported: nothing to calibrate, said once") {
  Model model = trained();
  Diagnostics diagnostics;
  prepare(model, x86(), diagnostics);
  CHECK_FALSE(observes(model));
  REQUIRE(diagnostics.all().size() == 1);
  CHECK(diagnostics.all()[0].kind == "imported");
}

TEST_CASE("imported: --complete quantizes what is left, and keeps what is there") {
  PrepareOptions options = x86();
  options.complete = true;
  const Model model = converted(trained(), options);
  CHECK(scale_at(model, "rd") == std::vector<float>{0.031f});
  CHECK(node_named(model, "head").in(1)->producer().is("DequantizeLinear"));
  CHECK(node_named(model, "head").in(0)->producer().is("DequantizeLinear"));
  CHECK(node_named(model, "conv").in(2)->producer().in(0)->constant()->dtype() == DType::int32);
}

TEST_CASE("native: an LSTM takes codes, its weights are int8 by gate unit, its outputs are float where nobody takes codes") {
  Model model = model_of(R"(
    g (float[7, 2, 40] x, float[1, 96, 40] w, float[1, 96, 24] r, float[1, 192] b) => (float[7, 1, 2, 24] y, float[1, 2, 24] h) {
      [lstm] y, h = LSTM <hidden_size = 24> (x, w, r, b)
    })",
                         14);
  add_weights(model, {"w", "r", "b"});
  const Model native = converted(copy(model), {QConfigMapping::built_in("native"), BackendConfig::built_in("native"), {}, {}});
  const Node& lstm = node_named(native, "lstm");
  CHECK(lstm.in(0)->producer().is("DequantizeLinear"));
  for (const size_t input : {size_t{1}, size_t{2}}) {
    const Node& real = lstm.in(input)->producer();
    REQUIRE(real.is("DequantizeLinear"));
    CHECK(real.in(0)->constant()->dtype() == DType::int8);
    CHECK(real.in(1)->constant()->shape() == Shape{96});
    CHECK(real.attr_or("axis", -7) == 1);
  }
  CHECK(native.graph->output().in(0) == lstm.out(0));
  REQUIRE(native.find_metadata("qtool.dynamic"));
  CHECK(*native.find_metadata("qtool.dynamic") == R"({"lstm":{"activation":"uint8"}})");
  CHECK_FALSE(converted(copy(model)).find_metadata("qtool.dynamic"));
  CHECK(count(converted(copy(model)), "DequantizeLinear") == 0);  // x86: float, said so
}
