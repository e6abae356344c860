#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "exec/canonicalize.h"
#include "tests/exec/engine_check.h"
#include "tests/exec/qdq_graph.h"

namespace qtool::testing {
namespace {

using Ints = std::vector<int64_t>;

void check_exact(const std::string& engine, const Model& model, const std::string& op, float span = 1) {
  for (const ClusterCheck& check : check_engine(engine, model, random_inputs(model, {}, span))) {
    CAPTURE(engine, to_text(check));
    CHECK(agrees_or_left(engine, check));
    if (check.op == op) CHECK((check.differing == 0 || !check.int8_in));
  }
}

struct BroadcastCase {
  Shape a, b;
};

TEST_CASE("engines: arithmetic on codes is exact for every broadcast") {
  const std::string engine = GENERATE(from_range(engines()));
  const std::string op = GENERATE("Add", "Sub", "Mul", "Div");
  const auto shapes = GENERATE(BroadcastCase{{2, 24, 7, 5}, {2, 24, 7, 5}}, BroadcastCase{{2, 24, 7, 5}, {2, 24, 1, 1}},
                               BroadcastCase{{1, 24, 1, 1}, {2, 24, 7, 5}}, BroadcastCase{{2, 24, 7, 5}, {1, 1, 7, 5}},
                               BroadcastCase{{3, 17}, {17}}, BroadcastCase{{3, 17}, {1, 1}}, BroadcastCase{{4, 5, 6}, {4, 1, 6}});
  CAPTURE(engine, op, shapes.a, shapes.b);
  QdqGraph g;
  Value& y = g.op(op, {&g.q(g.input("a", shapes.a), {0.0078f, 117}), &g.q(g.input("b", shapes.b), {0.011f, -3, DType::int8})});
  check_exact(engine, g.finish(g.q(g.op("Relu", {&y}), {0.013f, 7})), op);
}

TEST_CASE("engines: float arithmetic agrees for every broadcast") {
  const std::string engine = GENERATE(from_range(engines()));
  const std::string op = GENERATE("Add", "Mul");
  const auto shapes = GENERATE(BroadcastCase{{2, 24, 7, 5}, {2, 24, 1, 1}}, BroadcastCase{{2, 3, 40}, {2, 3, 40}},
                               BroadcastCase{{5, 40}, {40}}, BroadcastCase{{1, 3, 1}, {7, 1, 5}});
  CAPTURE(engine, op, shapes.a, shapes.b);
  QdqGraph g;
  check_exact(engine, g.finish(g.op("HardSwish", {&g.op(op, {&g.input("a", shapes.a), &g.input("b", shapes.b)})})), op);
}

TEST_CASE("engines: a constant operand of full rank follows the other's layout") {
  const std::string engine = GENERATE(from_range(engines()));
  const bool int8 = GENERATE(false, true);
  QdqGraph g;
  Value *x = &g.input("x", {2, 3, 5, 7}), *c = &g.constant({1, 3, 5, 7});
  if (int8) x = &g.q(*x, {0.0078f, 117}), c = &g.weight({1, 3, 5, 7}, -1, 0.01f);
  Value* y = &g.op("Add", {x, c});
  check_exact(engine, g.finish(int8 ? g.q(*y, {0.0131f, 20}) : *y), "Add");
}

TEST_CASE("engines: arithmetic with one constant code is a table") {
  const std::string engine = GENERATE(from_range(engines()));
  const std::string op = GENERATE("Add", "Sub", "Mul", "Div");
  const bool first = GENERATE(false, true);
  const Shape shape = GENERATE(Shape{}, Shape{1}, Shape{1, 1, 1, 1});
  QdqGraph g;
  Value &x = g.q(g.input("x", {2, 3, 5, 7}), {0.0078f, 117}), &c = g.weight(shape, -1, 0.01f);
  const Model model = g.finish(g.q(g.op(op, {first ? &c : &x, first ? &x : &c}), {0.0131f, 20}));
  const ClusterCheck check = check_of(check_engine(engine, model, random_inputs(model)), op);
  CAPTURE(engine, to_text(check));
  CHECK(agrees_or_left(engine, check));
  CHECK(check.kernel.substr(0, 6) == "lookup");
}

TEST_CASE("engines: tables are exact") {
  const std::string engine = GENERATE(from_range(engines()));
  const std::string op = GENERATE("HardSwish", "Sigmoid", "Tanh", "Relu", "LeakyRelu", "Erf", "Softplus");
  const Params in = GENERATE(Params{0.05f, 117}, Params{0.05f, -3, DType::int8});
  QdqGraph g;
  check_exact(engine, g.finish(g.q(g.op(op, {&g.q(g.input("x", {2, 3, 5, 7}), in)}), {0.02f, 20})), op, 6);
}

TEST_CASE("engines: float unary operators and chains agree") {
  const std::string engine = GENERATE(from_range(engines()));
  const std::string op = GENERATE("HardSwish", "Sigmoid", "Tanh", "Relu", "LeakyRelu", "Erf", "Exp", "Elu");
  QdqGraph g;
  Value& shifted = g.op("Add", {&g.op(op, {&g.input("x", {2, 3, 5, 700})}), &g.scalar(0.3f)});
  check_exact(engine, g.finish(g.op("Div", {&shifted, &g.scalar(3)})), op, 6);
}

TEST_CASE("engines: pools agree, averages of codes to the bit") {
  const std::string engine = GENERATE(from_range(engines()));
  const std::string op = GENERATE("MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool");
  const bool int8 = GENERATE(false, true);
  const int64_t ceil = GENERATE(0, 1), pad = GENERATE(0, 1);
  CAPTURE(engine, op, int8, ceil, pad);
  QdqGraph g;
  Value* x = &g.input("x", {2, 19, 14, 11});
  if (int8) x = &g.q(*x, {0.0078f, 117});
  Value* y =
      op[0] == 'G'
          ? &g.op(op, {x})
          : &g.op(op, {x}, {{"kernel_shape", Ints{3, 2}}, {"strides", Ints{2, 2}}, {"pads", Ints{pad, pad, pad, 0}}, {"ceil_mode", ceil}});
  if (int8) y = &g.q(*y, op.find("Max") != std::string::npos ? Params{0.0078f, 117} : Params{0.0078f, 113});
  check_exact(engine, g.finish(*y), op);
}

TEST_CASE("engines: ReduceMean agrees over spatial and other axes") {
  const std::string engine = GENERATE(from_range(engines()));
  const bool int8 = GENERATE(false, true);
  const Ints axes = GENERATE(Ints{2, 3}, Ints{1}, Ints{3}, Ints{1, 2});
  const int64_t keep = GENERATE(0, 1);
  CAPTURE(engine, int8, axes, keep);
  QdqGraph g;
  Value* x = &g.input("x", {2, 19, 6, 7});
  if (int8) x = &g.q(*x, {0.0078f, 117});
  Value* y = &g.op("ReduceMean", {x}, {{"axes", axes}, {"keepdims", keep}});
  if (int8) y = &g.q(*y, {0.003f, 113});
  check_exact(engine, g.finish(*y), "ReduceMean");
}

TEST_CASE("engines: ReduceSum agrees over axes in front of others") {
  const std::string engine = GENERATE(from_range(engines()));
  const Ints axes = GENERATE(Ints{1}, Ints{0, 1}, Ints{1, 2});
  const int64_t keep = GENERATE(0, 1);
  CAPTURE(engine, axes, keep);
  QdqGraph g(13);
  Value* y = &g.op("ReduceSum", {&g.input("x", {2, 19, 6, 17}), &g.integers(axes)}, {{"keepdims", keep}});
  check_exact(engine, g.finish(*y), "ReduceSum");
}

TEST_CASE("engines: Concat of codes with other parameters is exact") {
  const std::string engine = GENERATE(from_range(engines()));
  const int64_t axis = GENERATE(0, 1, 2, -1);
  const bool int8 = GENERATE(false, true);
  CAPTURE(engine, axis, int8);
  QdqGraph g;
  Value *a = &g.input("a", {2, 5, 4, 3}), *b = &g.input("b", {2, 5, 4, 3});
  if (int8) a = &g.q(*a, {0.0078f, 117}), b = &g.q(*b, {0.011f, 3});
  Value* y = &g.op("Concat", {a, b}, {{"axis", axis}});
  check_exact(engine, g.finish(int8 ? g.q(*y, {0.0078f, 117}) : *y), "Concat");
}

TEST_CASE("engines: Softmax agrees") {
  const std::string engine = GENERATE(from_range(engines()));
  const bool codes_in = GENERATE(false, true), codes_out = GENERATE(false, true);
  QdqGraph g;
  Value* x = &g.input("x", {2, 30, 37});
  if (codes_in) x = &g.q(*x, {0.05f, 117});
  Value* y = &g.op("Softmax", {x}, {{"axis", int64_t{-1}}});
  if (codes_out) y = &g.q(*y, {1.0f / 256, 0});
  check_exact(engine, g.finish(*y), "LayerNormalization", 6);
}

TEST_CASE("engines: LayerNormalization agrees") {
  const std::string engine = GENERATE(from_range(engines()));
  const bool codes_in = GENERATE(false, true), codes_out = GENERATE(false, true);
  QdqGraph g;
  Value* x = &g.input("x", {2, 30, 64});
  if (codes_in) x = &g.q(*x, {0.0078f, 117});
  Value* y = &g.op("LayerNormalization", {x, &g.constant({64}), &g.constant({64})});
  if (codes_out) y = &g.q(*y, {0.031f, 120});
  const Model model = g.finish(*y);
  const ClusterCheck check = check_of(check_engine(engine, model, random_inputs(model)), "LayerNormalization");
  CAPTURE(engine, to_text(check));
  CHECK(agrees_or_left(engine, check));
}

TEST_CASE("engines: BatchNormalization behind an activation agrees") {
  const std::string engine = GENERATE(from_range(engines()));
  const Shape shape = GENERATE(Shape{2, 7, 5, 6}, Shape{3, 20}, Shape{2, 5, 9}, Shape{2, 3, 4, 5, 6});
  QdqGraph g;
  const Shape channels{shape[1]};
  Value* x = &g.op("Relu", {&g.input("x", shape)});
  const auto some = [&] { return &g.constant(channels); };
  Value* y = &g.op("BatchNormalization", {x, some(), some(), some(), some()}, {{"epsilon", 2.0f}});  // variances from -1 on
  check_exact(engine, g.finish(*y), "BatchNormalization");
}

TEST_CASE("engines: LRN agrees") {
  const std::string engine = GENERATE(from_range(engines()));
  const bool int8 = GENERATE(false, true);
  const int64_t size = GENERATE(1, 3, 5);
  QdqGraph g;
  Value* x = &g.input("x", {2, 20, 9, 9});
  if (int8) x = &g.q(*x, {0.0078f, 117});
  Value* y = &g.op("LRN", {x}, {{"size", size}, {"alpha", 0.5f}, {"beta", 0.75f}, {"bias", 1.0f}});
  if (int8) y = &g.q(*y, {0.0073f, 120});
  const Model model = g.finish(*y);
  const ClusterCheck check = check_of(check_engine(engine, model, random_inputs(model)), "LRN");
  CAPTURE(engine, to_text(check));
  CHECK(agrees_or_left(engine, check));
}

TEST_CASE("engines: MaxPool of codes is exact for every window") {
  const std::string engine = GENERATE(from_range(engines()));
  struct Pool {
    Shape x;
    Ints kernel, strides, pads, dilations;
    int64_t ceil;
  };
  const Pool c =
      GENERATE(Pool{{2, 70, 9, 11}, {3, 3}, {2, 2}, {1, 1, 1, 1}, {1, 1}, 0}, Pool{{1, 3, 8, 8}, {3, 2}, {2, 1}, {0, 0, 1, 1}, {1, 1}, 1},
               Pool{{1, 20, 10, 7}, {3, 3}, {1, 1}, {2, 2, 2, 2}, {2, 2}, 0}, Pool{{1, 5, 13}, {3}, {2}, {1, 0}, {1}, 1},
               Pool{{1, 5, 4, 5, 6}, {2, 2, 2}, {2, 2, 2}, {0, 0, 0, 0, 0, 0}, {1, 1, 1}, 0});
  const Params params = GENERATE(Params{0.0078f, 117}, Params{0.0078f, -7, DType::int8});
  QdqGraph g;
  Value& x = g.q(g.input("x", c.x), params);
  Value& y =
      g.op("MaxPool", {&x},
           {{"kernel_shape", c.kernel}, {"strides", c.strides}, {"pads", c.pads}, {"dilations", c.dilations}, {"ceil_mode", c.ceil}});
  check_exact(engine, g.finish(g.q(y, params)), "MaxPool");
}

TEST_CASE("engines: moves run on codes") {
  const std::string engine = GENERATE(from_range(engines()));
  const Ints perm = GENERATE(Ints{0, 2, 1, 3}, Ints{0, 2, 3, 1}, Ints{3, 2, 1, 0}, Ints{0, 1, 3, 2}, Ints{0, 1, 2, 3});
  const bool int8 = GENERATE(false, true);
  QdqGraph g;
  Value* x = &g.input("x", {2, 3, 17, 5});
  if (int8) x = &g.q(*x, {0.0078f, 117});
  Value* y = &g.op("Transpose", {x}, {{"perm", perm}});
  check_exact(engine, g.finish(int8 ? g.q(*y, {0.0078f, 117}) : *y), "Transpose");
}

TEST_CASE("engines: a channel shuffle is one choice of channels") {
  const std::string engine = GENERATE(from_range(engines()));
  const bool int8 = GENERATE(false, true);
  const int64_t groups = GENERATE(2, 3), each = GENERATE(2, 40);
  const Params p{0.0078f, 117};
  QdqGraph g;
  const Shape shape{2, groups * each, 5, 4};
  const auto step = [&](Value& v) -> Value& { return int8 ? g.q(v, p) : v; };
  Value& x = step(g.input("x", shape));
  Value& split = step(g.op("Reshape", {&x, &g.integers({2, groups, each, 5, 4})}));
  Value& turned = step(g.op("Transpose", {&split}, {{"perm", Ints{0, 2, 1, 3, 4}}}));
  Value& y = step(g.op("Reshape", {&turned, &g.integers(shape)}));
  const Model model = canonical_for_execution(g.finish(y));
  const ClusterCheck check = check_of(check_engine(engine, model, random_inputs(model)), "Gather");
  CAPTURE(engine, to_text(check));
  CHECK(check.differing == 0);
  CHECK(check.kernel.starts_with("permute"));
}

}  // namespace
}  // namespace qtool::testing
