#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <cstring>

#include "exec/plan.h"
#include "tests/exec/engine_check.h"
#include "tests/exec/qdq_graph.h"

namespace qtool::testing {
namespace {

const Shape kShape{2, 24, 37, 41};

Model pool_model(const std::string& op) {
  QdqGraph g;
  Value& x = g.q(g.input("x", kShape), {0.0078f, 117});
  std::vector<std::pair<std::string, AttributeValue>> attributes;
  if (op == "AveragePool") attributes = {{"kernel_shape", std::vector<int64_t>{3, 3}}, {"pads", std::vector<int64_t>{1, 1, 1, 1}}};
  return g.finish(g.q(g.op(op, {&x}, attributes), {0.006f, 101}));
}

/// op of x and an operand of shape `other`.
Model pair_model(const std::string& op, const Shape& other, bool quantized) {
  QdqGraph g;
  Value *a = &g.input("a", kShape), *b = &g.input("b", other);
  if (!quantized) return g.finish(g.op(op, {a, b}));
  return g.finish(g.q(g.op(op, {&g.q(*a, {0.0078f, 117}), &g.q(*b, {0.0061f, 131})}), {0.0131f, 120}));
}

Model channel_model() {
  QdqGraph g;
  Value& x = g.q(g.input("x", kShape), {0.0078f, 117});
  Value& w = g.weight({24, 1, 1, 1}, 0, 0.013f);
  return g.finish(g.q(g.op("Conv", {&x, &w, &g.bias(24, 0.0078f, w)}, {{"group", int64_t{24}}}), {0.017f, 113}));
}

Model conv_model(int64_t images, int64_t side) {
  QdqGraph g;
  Value& x = g.q(g.input("x", {images, 16, side, side}), {0.0078f, 117});
  Value& w = g.weight({40, 16, 3, 3}, 0, 0.013f);
  return g.finish(g.q(g.op("Conv", {&x, &w, &g.bias(40, 0.0078f, w)}, {{"pads", std::vector<int64_t>{1, 1, 1, 1}}}), {0.17f, 113}));
}

void check_threads(const std::string& engine, const Model& model) {
  const std::vector<Tensor> inputs = random_inputs(model);
  Tensor alone;
  for (const int threads : {1, 2, 3}) {
    CAPTURE(engine, threads);
    Diagnostics diagnostics;
    Plan plan(model, {.engine = engine, .threads = threads}, diagnostics);
    const Tensor result = Runner(plan).run(inputs)[0];
    if (threads == 1) alone = result;
    CHECK(std::memcmp(result.bytes(), alone.bytes(), alone.byte_size()) == 0);
  }
}

TEST_CASE("engines: pools are the same on any number of threads") {
  const std::string engine = GENERATE(from_range(engines()));
  check_threads(engine, pool_model(GENERATE("AveragePool", "GlobalAveragePool")));
}

TEST_CASE("engines: arithmetic is the same on any number of threads") {
  const std::string engine = GENERATE(from_range(engines()));
  const Shape other = GENERATE(Shape{2, 24, 37, 41}, Shape{2, 24, 1, 1}, Shape{1, 1, 37, 41}, Shape{1});
  check_threads(engine, pair_model(GENERATE("Add", "Mul"), other, GENERATE(true, false)));
}

TEST_CASE("engines: a line a channel is the same on any number of threads") {
  check_threads(GENERATE(from_range(engines())), channel_model());
}

TEST_CASE("engines: a 3x3 convolution is the same on any number of threads") {
  const std::string engine = GENERATE(from_range(engines()));
  const auto [images, side] = GENERATE(std::pair<int64_t, int64_t>{1, 12}, std::pair<int64_t, int64_t>{2, 33});
  check_threads(engine, conv_model(images, side));
}

}  // namespace
}  // namespace qtool::testing
