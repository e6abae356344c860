// Products of floats with weights of codes: held and read as codes.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "exec/canonicalize.h"
#include "exec/plan.h"
#include "exec/reference/interpreter.h"
#include "support/models.h"
#include "tests/exec/engine_check.h"
#include "tests/exec/qdq_graph.h"

namespace qtool::testing {
namespace {

/// The canonical form is left with the operator, and has the bits of the model's meaning.
void check_gathers(const Model& model) {
  const Model canonical = canonical_for_execution(model);
  CHECK(to_text(cluster(canonical, *canonical.graph)).find("node GatherBlockQuantized") != std::string::npos);
  CHECK(Interpreter(canonical).run({})[0].to_floats() == Interpreter(model).run({})[0].to_floats());
}

/// Of the operator that the model is left with, whose meaning has the bits of the model's.
ClusterCheck check_canonical(const std::string& engine, const Model& model, const std::string& op) {
  const Model canonical = canonical_for_execution(model);
  const std::vector<Tensor> inputs = random_inputs(model);
  CHECK(Interpreter(canonical).run(inputs)[0].to_floats() == Interpreter(model).run(inputs)[0].to_floats());
  return check_of(check_engine(engine, canonical, inputs), op);
}

void check_on_codes(const std::string& engine, const Model& model, const std::string& op) {
  const ClusterCheck check = check_canonical(engine, model, op);
  INFO(to_text(check));
  CHECK(agrees(check));
  CHECK(check.kernel.find("widen_") != std::string::npos);
}

}  // namespace

TEST_CASE("weight-only: MatMul runs on codes") {
  const auto engine = GENERATE(Catch::Generators::from_range(engines()));
  const int axis = GENERATE(-1, 1);
  const int64_t rows = GENERATE(1, 100);
  CAPTURE(engine, axis, rows);
  QdqGraph graph;
  Value& x = graph.input("x", {rows, 37});
  Value& y = graph.op("MatMul", {&x, &graph.weight({37, 61}, axis, 0.01f)});
  check_on_codes(engine, graph.finish(y), "MatMul");
}

TEST_CASE("weight-only: a Gemm with a transposed weight and a ReLU runs on codes") {
  const auto engine = GENERATE(Catch::Generators::from_range(engines()));
  CAPTURE(engine);
  QdqGraph graph;
  Value& x = graph.input("x", {7, 21});
  Value& w = graph.weight({13, 21}, 0, 0.02f, DType::int8);
  Value& y = graph.op("Gemm", {&x, &w, &graph.constant({13})}, {{"transB", int64_t{1}}});
  check_on_codes(engine, graph.finish(graph.op("Relu", {&y})), "Gemm");
}

TEST_CASE("weight-only: blocks of 4 bits run on codes, whatever sizes and zero points") {
  const auto engine = GENERATE(Catch::Generators::from_range(engines()));
  const DType dtype = GENERATE(DType::int4, DType::uint4, DType::int2);
  const int64_t rows = GENERATE(1, 3, 100), block = GENERATE(16, 32, 128);
  CAPTURE(engine, dtype, rows, block);
  QdqGraph graph(21);
  Value& x = graph.input("x", {rows, 77});
  Value& y = graph.op("MatMul", {&x, &graph.block_weight({77, 61}, 0, block, 0.1f, dtype)});
  check_on_codes(engine, graph.finish(graph.op("Add", {&y, &graph.constant({61})})), "MatMulNBits");
}

TEST_CASE("weight-only: a Gemm with a transposed weight in blocks, a bias and a ReLU runs on codes") {
  const auto engine = GENERATE(Catch::Generators::from_range(engines()));
  CAPTURE(engine);
  QdqGraph graph(21);
  Value& x = graph.input("x", {7, 48});
  Value& w = graph.block_weight({13, 48}, 1, 32, 0.1f, DType::uint4);
  Value& y = graph.op("Gemm", {&x, &w, &graph.constant({13})}, {{"transB", int64_t{1}}});
  check_on_codes(engine, graph.finish(graph.op("Relu", {&y})), "MatMulNBits");
}

TEST_CASE("weight-only: 4 bits with one scale a column, and with one in all, run on codes") {
  const auto engine = GENERATE(Catch::Generators::from_range(engines()));
  const int axis = GENERATE(-1, 1);
  CAPTURE(engine, axis);
  QdqGraph graph(21);
  Value& x = graph.input("x", {5, 37});
  Value& y = graph.op("MatMul", {&x, &graph.weight({37, 20}, axis, 0.1f, DType::uint4, 7)});
  check_on_codes(engine, graph.finish(y), "MatMulNBits");
}

TEST_CASE("weight-only: blocks of 8 bits run on codes where these fit s8 less their zero points, else on floats") {
  const auto engine = GENERATE(Catch::Generators::from_range(engines()));
  const bool fits = GENERATE(true, false);
  CAPTURE(engine, fits);
  QdqGraph graph(21);
  Value& x = graph.input("x", {5, 64});
  Value& w = graph.block_weight({64, 20}, 0, 32, 0.1f, DType::int8);
  if (fits) w.producer().graph().set_input(w.producer(), 2, nullptr);
  const Model model = graph.finish(graph.op("MatMul", {&x, &w}));
  const ClusterCheck check = check_canonical(engine, model, fits ? "MatMulNBits" : "MatMul");
  CHECK(agrees(check));
  CHECK(check.kernel.starts_with("widen_") == fits);
}

TEST_CASE("weight-only: blocks across the columns are floats from the start") {
  const auto engine = GENERATE(Catch::Generators::from_range(engines()));
  CAPTURE(engine);
  QdqGraph graph(21);
  Value& x = graph.input("x", {5, 64});
  CHECK(agrees(
      check_canonical(engine, graph.finish(graph.op("MatMul", {&x, &graph.block_weight({64, 32}, 1, 16, 0.1f, DType::int4)})), "MatMul")));
}

TEST_CASE("weight-only: recurrences run on codes, of one batch or several, in both directions") {
  struct Kind {
    std::string op;
    int64_t gates;
  };
  const auto engine = GENERATE(Catch::Generators::from_range(engines()));
  const auto kind = GENERATE(Kind{"LSTM", 4}, Kind{"GRU", 3}, Kind{"RNN", 1});
  const DType dtype = GENERATE(DType::int8, DType::int4, DType::uint4);
  const int64_t batch = GENERATE(1, 3), directions = GENERATE(1, 2);
  CAPTURE(engine, kind.op, dtype, batch, directions);
  QdqGraph graph(21);
  Value& x = graph.input("x", {5, batch, 37});
  const auto weight = [&](int64_t inputs) {
    const Shape shape{directions, kind.gates * 11, inputs};
    return dtype == DType::int8 ? &graph.weight(shape, 1, 0.003f) : &graph.block_weight(shape, 2, 32, 0.03f, dtype);
  };
  Value *w = weight(37), *r = weight(11);
  Value& y = graph.op(kind.op, {&x, w, r, &graph.constant({directions, 2 * kind.gates * 11})},
                      {{"hidden_size", int64_t{11}}, {"direction", directions == 2 ? "bidirectional" : "forward"}});
  check_on_codes(engine, graph.finish(y), kind.op);
}

TEST_CASE("weight-only: a recurrence whose codes less zero points do not fit s8 runs on floats") {
  const auto engine = GENERATE(Catch::Generators::from_range(engines()));
  QdqGraph graph(21);
  Value& x = graph.input("x", {5, 1, 8});
  Value *w = &graph.weight({1, 12, 8}, 1, 0.003f, DType::uint8, 3), *r = &graph.weight({1, 12, 3}, 1, 0.003f);
  const Model model = graph.finish(graph.op("LSTM", {&x, w, r}, {{"hidden_size", int64_t{3}}}));
  CHECK(check_canonical(engine, model, "LSTM").kernel.starts_with("lstm_float_gemm"));
}

TEST_CASE("weight-only: a packed recurrence in a file is computed as it says, or refused by every engine") {
  const auto engine = GENERATE(Catch::Generators::from_range(engines()));
  const Shape scales = GENERATE(Shape{}, Shape{12}, Shape{11}, Shape{1, 12, 2}, Shape{0});
  const int64_t block = GENERATE(0, 2, 3, -4);
  CAPTURE(engine, scales, block);
  Model model = model_of(R"(<ir_version: 10, opset_import: ["" : 21, "qtool.packed" : 1]>
    g (float[2, 1, 4] x, int8[1, 12, 4] w, int8[1, 12, 3] r, float[12] s) => (float[2, 1, 1, 3] y) {
      y = qtool.packed.LSTM <hidden_size = 3> (x, w, r, , , , , , s, , s)
    })");
  add_weights(model, {"w", "r"});
  Tensor scale(DType::float32, scales);
  for (float& s : scale.mutable_data<float>()) s = 0.01f;
  Value& given = *model.graph->add_weight("given", scale).out();
  for (Node& node : model.graph->editable()) {
    if (node.op != "LSTM") continue;
    model.graph->set_input(node, 8, &given), model.graph->set_input(node, 10, &given);
    node.set_attribute("block_size", block);
  }
  const auto result = [&](const std::string& by) -> std::vector<float> {
    Diagnostics diagnostics;
    try {
      Plan plan(model, {.engine = by}, diagnostics);
      return Runner(plan)
          .run(std::vector<Tensor>{random_tensor(DType::float32, {2, 1, 4}, "x"), Tensor::zeros(DType::float32, {12})})[0]
          .to_floats();
    } catch (const Error& error) {
      CHECK(error.code() == ExitCode::invalid_file);
      return {};
    }
  };
  const std::vector<float> expected = result("reference"), found = result(engine);
  REQUIRE(found.size() == expected.size());
  for (size_t i = 0; i < found.size(); ++i) CHECK(std::abs(found[i] - expected[i]) < 1e-5);
}

TEST_CASE("weight-only: rows of a table are read from its codes") {
  const DType dtype = GENERATE(DType::int8, DType::uint8, DType::uint4);
  const int axis = GENERATE(-1, 0, 1);
  const int64_t width = GENERATE(9, 32);
  CAPTURE(dtype, axis, width);
  QdqGraph graph(21);
  Value& rows = graph.integers({3, 0, -1, 3});
  check_gathers(graph.finish(graph.op("Gather", {&graph.weight({7, width}, axis, 0.1f, dtype, dtype == DType::int8 ? 0 : 9), &rows})));
}

TEST_CASE("weight-only: rows of a table in blocks are read from its codes") {
  const DType dtype = GENERATE(DType::int4, DType::uint4, DType::int8);
  const int axis = GENERATE(0, 1);
  CAPTURE(dtype, axis);
  QdqGraph graph(21);
  Value& rows = graph.integers({3, 0, -1, 33});
  check_gathers(graph.finish(graph.op("Gather", {&graph.block_weight({40, 72}, axis, 32, 0.1f, dtype), &rows})));
}

TEST_CASE("weight-only: a table whose rows are quantized again stays as it is") {
  QdqGraph graph;
  Value& rows = graph.integers({3, 0});
  Value& y = graph.q(graph.op("Gather", {&graph.weight({7, 9}, -1, 0.1f), &rows}), {0.1f, 0, DType::int8});
  const Model canonical = canonical_for_execution(graph.finish(y));
  CHECK(to_text(cluster(canonical, *canonical.graph)).find("GatherBlockQuantized") == std::string::npos);
}

}  // namespace qtool::testing
