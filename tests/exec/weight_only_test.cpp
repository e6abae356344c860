// Products of floats with weights of codes: held and read as codes.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "tests/exec/engine_check.h"
#include "tests/exec/qdq_graph.h"

namespace qtool::testing {
namespace {

void check_on_codes(const std::string& engine, const Model& model, const std::string& op) {
  const ClusterCheck check = check_of(check_engine(engine, model, random_inputs(model)), op);
  INFO(to_text(check));
  CHECK(agrees(check));
  CHECK(check.kernel.starts_with("widen_"));
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

}  // namespace qtool::testing
