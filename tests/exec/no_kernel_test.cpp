// What an engine has no kernel for: it says so in the profile, and the reference's code or another kernel computes it.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "exec/plan.h"
#include "kernels/registry.h"
#include "support/models.h"

namespace qtool::testing {
namespace {

struct Ran {
  std::vector<Tensor> outputs;
  std::vector<StepProfile> profile;

  const StepProfile& row(const std::string& op) const {
    for (const StepProfile& step : profile)
      if (step.op == op) return step;
    FAIL("no " << op);
    return profile.at(0);
  }
};

Ran run(const Model& model, const std::string& engine, const std::vector<Tensor>& inputs) {
  Diagnostics diagnostics;
  Plan plan(model, {.engine = engine}, diagnostics);
  Runner runner(plan);
  runner.enable_profile();
  std::vector<Tensor> outputs = runner.run(inputs);
  return {std::move(outputs), runner.profile()};
}

/// A product of codes, and one depth by which the levels' tiles do not divide.
Model product_with(int8_t weight) {
  Model model = model_of(R"(
    g (float[5, 21] x, int8[21, 9] w) => (float[5, 9] y) <float s = {0.02}, uint8 z = {128}, int8 wz = {0}> {
      xq = QuantizeLinear (x, s, z)
      xf = DequantizeLinear (xq, s, z)
      wf = DequantizeLinear (w, s, wz)
      y = MatMul (xf, wf)
    })");
  add_weights(model, {"w"});
  for (int8_t& code : model.graph->find("w")->producer().weight->tensor.mutable_data<int8_t>()) code = weight;
  return model;
}

}  // namespace

TEST_CASE("an operator without a kernel runs by the reference's code, and the profile says why") {
  const Model model = model_of(R"(
    g (float[1, 3, 6, 6] x) => (float[1, 3, 4, 4] y) {
      r = Relu (x)
      y = LpPool <kernel_shape = [3, 3]> (r)
    })");
  const std::vector<Tensor> in{random_tensor(DType::float32, {1, 3, 6, 6}, "x")};
  const Ran found = run(model, "arm", in);
  CHECK(found.outputs == run(model, "reference", in).outputs);
  CHECK(found.row("LpPool").kernel == "eval");
  CHECK(found.row("LpPool").why_eval == "no lowering");
  CHECK(found.row("Relu").kernel != "eval");
  CHECK(found.row("Relu").why_eval.empty());
}

TEST_CASE("a shape that a kernel does not take runs by the reference's code, this time and not the next, and the profile says why") {
  const Model model = model_of("g (float[A, B] x, float[C, D] z) => (float[E, F] y) { p = Relu (x)\n y = Add (p, z) }");
  const auto inputs = [](Shape z) {
    return std::vector<Tensor>{random_tensor(DType::float32, {2, 1}, "x"), random_tensor(DType::float32, z, "z")};
  };
  Diagnostics diagnostics;
  Plan plan(model, {.engine = "arm"}, diagnostics);
  for (const Shape& z : {Shape{2, 1}, Shape{2, 3}, Shape{2, 1}}) {
    Runner runner(plan);
    runner.enable_profile();
    const auto in = inputs(z);
    CHECK(runner.run(in) == run(model, "reference", in).outputs);
    const StepProfile row = runner.profile().at(0);
    CAPTURE(row.op, row.kernel);
    CHECK((row.kernel == "eval") == !row.why_eval.empty());
  }
}

TEST_CASE("a weight of -128 takes the kernel that sums up single products, where pairs would overflow") {
  const bool lowest = GENERATE(false, true);
  const Model model = product_with(lowest ? -128 : -127);
  const std::vector<Tensor> in{Tensor(DType::float32, {5, 21})};
  std::vector<Tensor> extreme = in;
  for (float& x : extreme[0].mutable_data<float>()) x = -10;  // code 0: -128 as the kernel has it
  const Ran found = run(model, "arm", extreme), expected = run(model, "reference", extreme);
  for (int64_t i = 0; i < 45; ++i) CHECK(std::abs(found.outputs[0].number_at(i) - expected.outputs[0].number_at(i)) < 1e-4);
  const bool baseline = kernels::best<kernels::Gemm>().isa == kernels::Isa::neon;
  CHECK(found.row("MatMul").kernel.ends_with(" in 16 bits") == (lowest && baseline));
}

}  // namespace qtool::testing
