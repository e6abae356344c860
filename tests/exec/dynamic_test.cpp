// Models whose activations are quantized at run time: canonical form, and both engines on it.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "exec/canonicalize.h"
#include "exec/plan.h"
#include "support/models.h"
#include "tests/exec/engine_check.h"

namespace qtool::testing {
namespace {

/// x -> codes -> [8, k] x [k, n] -> scaled, with `behind` between p and y.
Model dynamic_product(const std::string& rows, int k, int n, const std::string& behind, bool weight_zero_points = false) {
  const std::string ks = std::to_string(k), ns = std::to_string(n);
  Model model =
      model_of("g (float[" + rows + ", " + ks + "] x, int8[" + ks + ", " + ns + "] w, float[" + ns + "] ws, int8[" + ns + "] wz, float[" +
                   ns + "] b) => (float[" + rows + ", " + ns + "] y) {\n xq, xs, xz = DynamicQuantizeLinear (x)\n" +
                   (weight_zero_points ? " s = MatMulInteger (xq, w, xz, wz)\n" : " s = MatMulInteger (xq, w, xz)\n") +
                   " f = Cast <to = 1> (s)\n c = Mul (xs, ws)\n p = Mul (f, c)\n" + behind + "}",
               17);
  add_weights(model, {"w", "ws", "b"});
  if (weight_zero_points) {
    add_weights(model, {"wz"});
    auto codes = model.graph->find("w")->producer().weight->tensor.mutable_data<int8_t>();
    for (int8_t& code : codes) code = static_cast<int8_t>(code / 5);  // code - zero point fits s8
  }
  return model;
}

/// A recurrence with int8 weights behind DQ, named in the metadata that asks for int8 at run time.
Model recurrence(const std::string& op, int gates, const std::string& more, int hidden) {
  const std::string g = std::to_string(gates * hidden), h = std::to_string(hidden), d = more.find("bidir") == std::string::npos ? "1" : "2";
  Model model =
      model_of("g (float[T, N, 24] x, int8[" + d + ", " + g + ", 24] w, float[" + g + "] ws, int8[" + d + ", " + g + ", " + h +
                   "] r, float[" + g + "] rs, float[" + d + ", " + std::to_string(2 * gates * hidden) + "] b) => (float[T, " + d + ", N, " +
                   h + "] y, float[" + d + ", N, " + h +
                   "] yh) {\n wf = DequantizeLinear <axis = 1> (w, ws)\n rf = DequantizeLinear <axis = 1> (r, rs)\n [cell] y, yh = " + op +
                   " <hidden_size = " + h + more + "> (x, wf, rf, b)\n}",
               17);
  add_weights(model, {"w", "r", "b"});
  for (const char* name : {"ws", "rs"}) {
    Tensor scales(DType::float32, {gates * hidden});
    for (int64_t i = 0; i < scales.size(); ++i)
      scales.mutable_data<float>()[static_cast<size_t>(i)] = 0.002f + 1e-5f * static_cast<float>(i);
    model.graph->add_weight(std::string(name) + "_values", scales);
    model.graph->replace_uses(*model.graph->find(name), *model.graph->find(std::string(name) + "_values"));
  }
  model.set_metadata("qtool.dynamic", R"({"cell": {"activation": "uint8"}})");
  return model;
}

struct RecurrenceCase {
  const char* op;
  int gates;
  const char* more;
};

}  // namespace

TEST_CASE("engines: recurrences named in qtool.dynamic multiply codes, in every engine as in the reference") {
  const std::string engine = GENERATE(from_range(engines()));
  const auto each =
      GENERATE(RecurrenceCase{"LSTM", 4, ""}, RecurrenceCase{"LSTM", 4, ", direction = \"bidirectional\""}, RecurrenceCase{"GRU", 3, ""},
               RecurrenceCase{"GRU", 3, ", linear_before_reset = 1"}, RecurrenceCase{"RNN", 1, ", direction = \"reverse\""});
  const int64_t batch = GENERATE(1, 3);
  CAPTURE(engine, each.op, each.more, batch);
  Model model = recurrence(each.op, each.gates, each.more, 20);
  Diagnostics diagnostics;
  Plan literal(model, {.engine = "reference"}, diagnostics), fast(model, {.engine = engine}, diagnostics);
  model.remove_metadata("qtool.dynamic");
  Plan in_float(model, {.engine = "reference"}, diagnostics);
  const std::vector<Tensor> in{random_tensor(DType::float32, {9, batch, 24}, "x")};
  Runner runner(fast);
  runner.enable_profile();
  const auto expected = Runner(literal).run(in), found = runner.run(in), without = Runner(in_float).run(in);
  REQUIRE(found[0].shape() == expected[0].shape());
  double worst = 0, told = 0;
  for (int64_t i = 0; i < found[0].size(); ++i) {
    worst = std::max(worst, std::fabs(found[0].number_at(i) - expected[0].number_at(i)));
    told = std::max(told, std::fabs(without[0].number_at(i) - expected[0].number_at(i)));
  }
  CHECK(worst < 2e-5);
  CHECK(told > 1e-4);
  const StepProfile row = runner.profile().at(0);
  CAPTURE(row.kernel);
  const bool integers = row.kernel.find("_gemm") != std::string::npos;
  CHECK((integers || row.kernel.ends_with("+rounded")));
  CHECK((row.dtype == "int8") == integers);
}

TEST_CASE("a recurrence quantized at run time gives a row the same result in any batch, however the sequence is cut") {
  const std::string engine = GENERATE(from_range(engines()));
  Model model = recurrence("RNN", 1, "", 20);
  Diagnostics diagnostics;
  Plan plan(model, {.engine = engine}, diagnostics);
  const Tensor all = random_tensor(DType::float32, {6, 2, 24}, "x");
  Tensor cut(DType::float32, {3, 1, 24});
  for (int64_t t = 0; t < 3; ++t) std::copy_n(all.floats().data() + t * 48, 24, cut.mutable_data<float>().data() + t * 24);
  Runner runner(plan);
  const Tensor whole = runner.run(std::vector<Tensor>{all})[0], part = runner.run(std::vector<Tensor>{cut})[0];
  for (int64_t t = 0; t < 3; ++t)
    for (int64_t u = 0; u < 20; ++u) CHECK(std::fabs(part.number_at(t * 20 + u) - whole.number_at(t * 40 + u)) < 1e-6);
}

TEST_CASE("metadata qtool.dynamic that cannot be read is an error of the file") {
  Model model = recurrence("LSTM", 4, "", 8);
  const auto* const text = GENERATE("", "[]", "{\"cell\": 1}", "{\"cell\": {\"activation\": \"int3\"}}", "{\"cell\":");
  model.set_metadata("qtool.dynamic", text);
  Diagnostics diagnostics;
  CHECK_THROWS_AS(Plan(model, {.engine = "reference"}, diagnostics), Error);
  CHECK_THROWS_AS(Plan(model, {}, diagnostics), Error);
}

TEST_CASE("engines: a dynamically quantized product, its bias and its activation are one integer step") {
  const std::string engine = GENERATE(from_range(engines()));
  const auto* const behind =
      GENERATE("y = Add (p, b)", "a = Add (b, p)\n y = Relu (a)", "a = Add (p, b)\n y = Sigmoid (a)", "y = Mul (p, b)", "y = Identity (p)");
  const auto* const rows = GENERATE("8", "2, 5", "1, 1, 33");
  const Model model = dynamic_product(rows, 40, 24, behind);
  const auto checks = check_engine(engine, canonical_for_execution(model), random_inputs(model));
  const ClusterCheck product = check_of(checks, "MatMulIntegerToFloat"), codes = check_of(checks, "DynamicQuantizeLinear");
  CAPTURE(to_text(product), to_text(codes));
  CHECK(checks.size() == 2);
  CHECK_FALSE(product.kernel.empty());
  CHECK(agrees(product));
  CHECK_FALSE(codes.kernel.empty());
  CHECK(codes.differing == 0);
}

TEST_CASE("engines: zero points of the weight are taken out of it") {
  const std::string engine = GENERATE(from_range(engines()));
  const Model model = dynamic_product("8", 40, 24, "y = Add (p, b)", true);
  for (const ClusterCheck& check : check_engine(engine, canonical_for_execution(model), random_inputs(model))) {
    CAPTURE(to_text(check));
    CHECK_FALSE(check.kernel.empty());
    CHECK(agrees(check));
  }
}

TEST_CASE("canonical: a dynamic product computes what its parts do, shape by shape") {
  const std::string engine = GENERATE(from_range(engines()));
  Model model = dynamic_product("N", 40, 24, "a = Add (p, b)\n y = Relu (a)");
  Diagnostics diagnostics;
  Plan literal(model, {.engine = "reference"}, diagnostics), fast(model, {.engine = engine}, diagnostics);
  Runner reference(literal), runner(fast);
  for (const int64_t rows : {3, 70, 3, 1}) {
    const std::vector<Tensor> in{random_tensor(DType::float32, {rows, 40}, "x", static_cast<unsigned>(rows))};
    const auto expected = reference.run(in), found = runner.run(in);
    REQUIRE(found[0].shape() == expected[0].shape());
    for (int64_t i = 0; i < found[0].size(); ++i)
      CHECK(std::abs(found[0].number_at(i) - expected[0].number_at(i)) < 1e-3 * (1 + std::abs(expected[0].number_at(i))));
  }
}

TEST_CASE("canonical: a sum that someone else reads stays as it is") {
  const std::string engine = GENERATE(from_range(engines()));
  Model model = dynamic_product("8", 40, 24, "r = Cast <to = 1> (s)\n y = Add (p, r)");
  const Model canonical = canonical_for_execution(model);
  size_t left = 0;
  for (const Node& node : canonical.graph->nodes()) left += node.is("MatMulInteger");
  CHECK(left == 1);
  for (const ClusterCheck& check : check_engine(engine, canonical_for_execution(model), random_inputs(model))) {
    CAPTURE(to_text(check));
    CHECK((check.kernel.empty() || agrees(check)));
  }
}

TEST_CASE("engines: values all equal, and none at all, have a scale") {
  const std::string engine = GENERATE(from_range(engines()));
  const Model model = dynamic_product("N", 40, 24, "y = Add (p, b)");
  Diagnostics diagnostics;
  Plan plan(model, {.engine = engine}, diagnostics);
  Runner runner(plan);
  const auto zeros = runner.run(std::vector<Tensor>{Tensor::zeros(DType::float32, {2, 40})});
  const Tensor& bias = *model.graph->find("b")->constant();
  for (int64_t i = 0; i < zeros[0].size(); ++i) CHECK(zeros[0].number_at(i) == bias.number_at(i % 24));
  CHECK(runner.run(std::vector<Tensor>{Tensor::zeros(DType::float32, {0, 40})})[0].shape() == Shape{0, 24});
}

TEST_CASE("engines: a scale that fits no column is declined, and an error where it runs") {
  const std::string engine = GENERATE(from_range(engines()));
  Model model = model_of(R"(<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]>
    g (uint8[2, 8] x, int8[8, 4] w, float s, float[3] ws, uint8 z) => (float[2, 4] y) {
      y = com.microsoft.MatMulIntegerToFloat (x, w, s, ws, z)
    })");
  add_weights(model, {"w", "ws"});
  Diagnostics diagnostics;
  Plan plan(model, {.engine = engine}, diagnostics);
  Runner runner(plan);
  const std::vector<Tensor> in{Tensor::zeros(DType::uint8, {2, 8}), Tensor::scalar(1.0f), Tensor::scalar(uint8_t{3})};
  CHECK_THROWS_AS(runner.run(in), Error);
}

TEST_CASE("canonical: DynamicQuantizeLSTM is an LSTM with the same weights, in every engine") {
  const std::string engine = GENERATE(from_range(engines()));
  Model model = model_of(R"(<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]>
    g (float[3, 2, 5] x, int8[1, 5, 16] w, int8[1, 4, 16] r, float[1, 32] b, float[1, 16] ws, int8[1, 16] wz, float[1, 16] rs, int8[1, 16] rz)
        => (float[1, 2, 4] h) {
      _, h = com.microsoft.DynamicQuantizeLSTM <hidden_size = 4> (x, w, r, b, , , , , ws, wz, rs, rz)
    })");
  add_weights(model, {"w", "r", "b", "ws", "wz", "rs", "rz"});
  Diagnostics diagnostics;
  Plan literal(model, {.engine = "reference"}, diagnostics), fast(model, {.engine = engine}, diagnostics);
  const std::vector<Tensor> in{random_tensor(DType::float32, {3, 2, 5}, "x")};
  const auto expected = Runner(literal).run(in), found = Runner(fast).run(in);
  REQUIRE(found[0].shape() == Shape{1, 2, 4});
  for (int64_t i = 0; i < 8; ++i) CHECK(std::abs(found[0].number_at(i) - expected[0].number_at(i)) < 1e-5);
  const Model canonical = canonical_for_execution(model);
  bool lstm = false;
  for (const Node& node : canonical.graph->nodes()) lstm |= node.is("LSTM");
  CHECK(lstm);
}

}  // namespace qtool::testing
