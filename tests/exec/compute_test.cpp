#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <cmath>

#include "tests/exec/engine_check.h"
#include "tests/exec/qdq_graph.h"

namespace qtool::testing {
namespace {

using Ints = std::vector<int64_t>;

struct ConvCase {
  const char* name;
  Shape x, w;
  Ints strides, pads, dilations;
  int64_t group;
};

const std::vector<ConvCase> kConvs{
    {"1x1", {1, 32, 14, 14}, {48, 32, 1, 1}, {1, 1}, {0, 0, 0, 0}, {1, 1}, 1},
    {"3x3 padded", {1, 16, 14, 14}, {24, 16, 3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 1},
    {"3x3, two images", {2, 16, 13, 18}, {20, 16, 3, 3}, {1, 1}, {0, 0, 0, 0}, {1, 1}, 1},
    {"stride 2, asymmetric padding", {2, 16, 15, 13}, {16, 16, 3, 3}, {2, 2}, {0, 0, 1, 2}, {1, 1}, 1},
    {"dilated", {1, 16, 15, 13}, {16, 16, 3, 3}, {1, 1}, {2, 2, 2, 2}, {2, 2}, 1},
    {"one channel", {1, 1, 28, 28}, {16, 1, 3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 1},
    {"three channels", {1, 3, 33, 33}, {16, 3, 7, 7}, {2, 2}, {3, 3, 3, 3}, {1, 1}, 1},
    {"odd channels", {1, 7, 9, 9}, {5, 7, 3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 1},
    {"depthwise", {1, 24, 14, 14}, {24, 1, 3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 24},
    {"depthwise 5x5, stride 2, odd", {1, 13, 14, 14}, {13, 1, 5, 5}, {2, 2}, {2, 2, 2, 2}, {1, 1}, 13},
    {"depthwise, few channels", {1, 8, 12, 31}, {8, 1, 3, 3}, {2, 1}, {1, 1, 1, 1}, {1, 1}, 8},
    {"depthwise 7x7, asymmetric padding", {2, 40, 9, 6}, {40, 1, 7, 7}, {1, 1}, {3, 2, 1, 4}, {1, 1}, 40},
    {"depthwise, narrow", {1, 16, 9, 3}, {16, 1, 3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 16},
    {"depthwise, dilated rows", {1, 17, 13, 9}, {17, 1, 3, 3}, {1, 2}, {2, 1, 2, 1}, {2, 1}, 17},
    {"depthwise, dilated", {1, 16, 9, 9}, {16, 1, 3, 3}, {1, 1}, {2, 2, 2, 2}, {2, 2}, 16},
    {"one weight a channel", {2, 80, 9, 9}, {80, 1, 1, 1}, {1, 1}, {0, 0, 0, 0}, {1, 1}, 80},
    {"one weight a channel, 1d", {1, 19, 33}, {19, 1, 1}, {1}, {0, 0}, {1}, 19},
    {"grouped", {1, 32, 9, 9}, {64, 8, 3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 4},
    {"windows beside the image", {1, 8, 3, 4}, {12, 8, 5, 5}, {2, 1}, {6, 4, 4, 7}, {1, 1}, 1},
    {"small images", {3, 12, 4, 2}, {32, 12, 3, 3}, {1, 2}, {1, 1, 1, 1}, {1, 1}, 1},
    {"dilated rows, many channels", {1, 20, 9, 7}, {70, 20, 3, 3}, {1, 1}, {2, 1, 2, 1}, {2, 1}, 1},
    {"1d", {1, 16, 40}, {32, 16, 3}, {2}, {1, 1}, {1}, 1},
    {"3d", {1, 8, 5, 6, 7}, {16, 8, 3, 3, 3}, {1, 1, 1}, {1, 1, 1, 1, 1, 1}, {1, 1, 1}, 1},
};

std::vector<std::pair<std::string, AttributeValue>> attributes_of(const ConvCase& c) {
  return {{"strides", c.strides}, {"pads", c.pads}, {"dilations", c.dilations}, {"group", c.group}};
}

float sum_scale(const ConvCase& c) { return std::sqrt(static_cast<float>(product(c.w, 1, c.w.size()))) * 0.01f; }

TEST_CASE("engines: int8 Conv agrees with the reference") {
  const std::string engine = GENERATE(from_range(engines()));
  const ConvCase c = GENERATE(from_range(kConvs));
  const Params in = GENERATE(Params{0.0078f, 117}, Params{0.0078f, 0}, Params{0.0078f, -7, DType::int8});
  const int zero_point = GENERATE(0, 113);
  CAPTURE(engine, c.name, in.zero_point, zero_point);
  QdqGraph g;
  Value& x = g.q(g.input("x", c.x), in);
  Value& w = g.weight(c.w, 0, 0.01f);
  Value& y = g.op("Relu", {&g.op("Conv", {&x, &w, &g.bias(c.w[0], in.scale, w)}, attributes_of(c))});
  const Model model = g.finish(g.q(y, {sum_scale(c) * 2, zero_point}));
  const ClusterCheck check = check_of(check_engine(engine, model, random_inputs(model)), "Conv");
  CAPTURE(engine, to_text(check));
  CHECK(agrees_or_left(engine, check));
}

TEST_CASE("engines: an inner Q before a residual sum keeps its rounding") {
  const std::string engine = GENERATE(from_range(engines()));
  const ConvCase c = GENERATE(from_range(kConvs));
  const Params inner = GENERATE(Params{1, 131}, Params{1, 0}),
               residual = GENERATE(Params{0.013077f, 9}, Params{0.020193f, -3, DType::int8});
  const int zero_point = GENERATE(0, 113);
  const bool relu = GENERATE(false, true);
  CAPTURE(engine, c.name, inner.zero_point, residual.zero_point, zero_point, relu);
  QdqGraph g;
  Value& x = g.q(g.input("x", c.x), {0.0078f, 117});
  Value& w = g.weight(c.w, 0, 0.01f);
  Value& conv = g.op("Conv", {&x, &w, &g.bias(c.w[0], 0.0078f, w)}, attributes_of(c));
  Value& r = g.q(g.input("r", g.shape_of(conv)), residual);
  Value* y = &g.op("Add", {&g.q(conv, {sum_scale(c) * 2 * inner.scale, inner.zero_point}), &r});
  if (relu) y = &g.op("Relu", {y});
  const Model model = g.finish(g.q(*y, {sum_scale(c) * 1.7131f, zero_point}));
  const ClusterCheck check = check_of(check_engine(engine, model, random_inputs(model)), "Conv");
  CAPTURE(engine, to_text(check));
  CHECK(agrees_or_left(engine, check));
}

TEST_CASE("engines: float Conv with what follows agrees with the reference") {
  const std::string engine = GENERATE(from_range(engines()));
  const ConvCase c = GENERATE(from_range(kConvs));
  const std::string follows = GENERATE("Relu", "HardSwish", "Add", "Add Relu", "Sigmoid");
  CAPTURE(engine, c.name, follows);
  QdqGraph g;
  Value* y = &g.op("Conv", {&g.input("x", c.x), &g.constant(c.w), &g.constant({c.w[0]})}, attributes_of(c));
  if (follows.substr(0, 3) == "Add") y = &g.op("Add", {&g.input("r", g.shape_of(*y)), y});
  if (follows != "Add") y = &g.op(follows == "Add Relu" ? "Relu" : follows, {y});
  const Model model = g.finish(*y);
  const ClusterCheck check = check_of(check_engine(engine, model, random_inputs(model)), "Conv");
  CAPTURE(engine, to_text(check));
  CHECK(agrees_or_left(engine, check));
}

TEST_CASE("engines: an activation between two Q is a table behind the Conv") {
  const std::string engine = GENERATE(from_range(engines()));
  const ConvCase c = GENERATE(from_range(kConvs));
  const std::string op = GENERATE("HardSwish", "Sigmoid");
  const Params out = GENERATE(Params{0.0173f, 17}, Params{0.0173f, -100, DType::int8});
  CAPTURE(engine, c.name, op);
  QdqGraph g;
  Value& x = g.q(g.input("x", c.x), {0.0078f, 117});
  Value& w = g.weight(c.w, 0, 0.01f);
  Value& conv = g.op("Conv", {&x, &w, &g.bias(c.w[0], 0.0078f, w)}, attributes_of(c));
  const Model model = g.finish(g.q(g.op(op, {&g.q(conv, {sum_scale(c) * 2, 131})}), out));
  const ClusterCheck check = check_of(check_engine(engine, model, random_inputs(model)), "Conv");
  CAPTURE(engine, to_text(check));
  CHECK(agrees_or_left(engine, check));
}

TEST_CASE("engines: int8 MatMul of constant weights agrees with the reference") {
  const std::string engine = GENERATE(from_range(engines()));
  const Shape shape = GENERATE(Shape{1, 64}, Shape{3, 5, 37}, Shape{2, 3, 4, 16});
  const Params in = GENERATE(Params{0.0078f, 117}, Params{0.0078f, -7, DType::int8});
  const std::string follows = GENERATE("", "bias", "float", "residual");
  CAPTURE(engine, shape, in.zero_point, follows);
  QdqGraph g;
  const Shape weight{shape.back(), 24};
  Value* y = &g.op("MatMul", {&g.q(g.input("x", shape), in), &g.weight(weight, 1, 0.01f)});
  if (follows == "bias" || follows == "float") y = &g.op("Add", {y, &g.constant({24})});
  if (follows == "residual") y = &g.op("Add", {&g.q(*y, {0.05031f, 120}), &g.q(g.input("r", g.shape_of(*y)), {0.013077f, 5})});
  const Model model = g.finish(follows == "float" ? *y : g.q(*y, {0.069173f, 101}));
  const ClusterCheck check = check_of(check_engine(engine, model, random_inputs(model)), "MatMul");
  CAPTURE(engine, to_text(check));
  CHECK(agrees_or_left(engine, check));
}

TEST_CASE("engines: a float row times a constant runs on our own kernel, with what follows") {
  const auto engine = GENERATE(Catch::Generators::from_range(engines()));
  const bool transposed = GENERATE(false, true);
  CAPTURE(engine, transposed);
  QdqGraph graph;
  Value& x = graph.input("x", {1, 37});
  Value& w = graph.constant(transposed ? Shape{61, 37} : Shape{37, 61});
  Value& y = graph.op("Gemm", {&x, &w, &graph.constant({61})}, {{"transB", int64_t{transposed}}, {"alpha", 0.5f}});
  const Model model = graph.finish(graph.op("Sigmoid", {&graph.op("Relu", {&y})}));
  const ClusterCheck check = check_of(check_engine(engine, model, random_inputs(model)), "Gemm");
  INFO(to_text(check));
  CHECK(agrees(check));
  CHECK(check.kernel.starts_with("float_gemm_"));
}

TEST_CASE("engines: constants of any shape behind a MatMul") {
  const std::string engine = GENERATE(from_range(engines()));
  const Shape constant = GENERATE(Shape{1, 5, 24}, Shape{5, 24}, Shape{3, 5, 24}, Shape{1, 24}, Shape{}, Shape{3, 1, 24}, Shape{5, 1});
  const bool int8 = GENERATE(false, true);
  CAPTURE(engine, constant, int8);
  QdqGraph g;
  Value& x = g.input("x", {3, 5, 37});
  Value& product =
      int8 ? g.op("MatMul", {&g.q(x, {0.0078f, 117}), &g.weight({37, 24}, 1, 0.01f)}) : g.op("MatMul", {&x, &g.constant({37, 24})});
  Value& y = g.op("Relu", {&g.op("Add", {&product, &g.constant(constant)})});
  const Model model = g.finish(int8 ? g.q(y, {0.069173f, 3}) : y);
  const ClusterCheck check = check_of(check_engine(engine, model, random_inputs(model)), "MatMul");
  CAPTURE(engine, to_text(check));
  const bool in_blocks = constant == Shape{3, 1, 24} || constant == Shape{5, 1};
  CHECK((in_blocks ? check.kernel.empty() || agrees(check) : agrees_or_left(engine, check)));
}

TEST_CASE("engines: Gemm with every transposition agrees with the reference") {
  const std::string engine = GENERATE(from_range(engines()));
  const int64_t transpose_a = GENERATE(0, 1), transpose_b = GENERATE(0, 1);
  const bool int8 = GENERATE(false, true);
  CAPTURE(engine, transpose_a, transpose_b, int8);
  QdqGraph g;
  const Shape a = transpose_a ? Shape{32, 5} : Shape{5, 32}, b = transpose_b ? Shape{10, 32} : Shape{32, 10};
  Value& x = g.input("x", a);
  std::vector<std::pair<std::string, AttributeValue>> attributes{{"transA", transpose_a}, {"transB", transpose_b}};
  Value* y;
  if (int8) {
    Value& w = g.weight(b, transpose_b ? 0 : 1, 0.01f);
    y = &g.q(g.op("Gemm", {&g.q(x, {0.0078f, 117}), &w, &g.bias(10, 0.0078f, w)}, attributes), {0.05f, 99});
  } else {
    attributes.emplace_back("alpha", 0.5f);
    attributes.emplace_back("beta", 2.0f);
    y = &g.op("Gemm", {&x, &g.constant(b), &g.constant({10})}, attributes);
  }
  const Model model = g.finish(*y);
  const ClusterCheck check = check_of(check_engine(engine, model, random_inputs(model)), "Gemm");
  CAPTURE(engine, to_text(check));
  CHECK(agrees_or_left(engine, check));
}

TEST_CASE("engines: MatMul of two activations agrees with the reference") {
  const std::string engine = GENERATE(from_range(engines()));
  const bool int8 = GENERATE(false, true), signed_b = GENERATE(false, true);
  const Shape a = GENERATE(Shape{2, 4, 17, 16}, Shape{17, 16}), b = GENERATE(Shape{2, 4, 16, 9}, Shape{1, 16, 9});
  if (a.size() < b.size() && b.size() == 4) return;
  CAPTURE(engine, int8, signed_b, a, b);
  QdqGraph g;
  Value *x = &g.input("a", a), *z = &g.input("b", b);
  if (int8) x = &g.q(*x, {0.0078f, 117}), z = &g.q(*z, signed_b ? Params{0.008f, 5, DType::int8} : Params{0.008f, 131});
  Value* y = &g.op("MatMul", {x, z});
  if (int8) y = &g.q(*y, {0.02f, 101});
  const Model model = g.finish(*y);
  const ClusterCheck check = check_of(check_engine(engine, model, random_inputs(model)), "MatMul");
  CAPTURE(engine, to_text(check));
  CHECK(agrees_or_left(engine, check));
}

TEST_CASE("engines: activations in float between a product and its codes agree with the reference") {
  const std::string engine = GENERATE(from_range(engines()));
  const std::string op = GENERATE("Gelu", "Sigmoid", "Tanh", "HardSwish", "Elu", "Exp");
  const float scale = GENERATE(0.004f, 0.031f, 0.2f);
  const bool by_two = GENERATE(false, true);
  CAPTURE(engine, op, scale, by_two);
  QdqGraph g(20);
  Value& x = g.q(g.input("x", {3, 50, 40}), {0.0178f, 117});
  Value* y = &g.op("MatMul", {&x, &g.weight({40, 48}, 1, 0.021f)});
  if (by_two) y = &g.op("Tanh", {y});
  const Model model = g.finish(g.q(g.op(op, {y}), {scale, 31}));
  const ClusterCheck check = check_of(check_engine(engine, model, random_inputs(model)), "MatMul");
  CAPTURE(to_text(check));
  CHECK(agrees_or_left(engine, check));
  if (engine == "arm" && op == "Gelu") CHECK(check.kernel.find("piecewise") != std::string::npos);
}

TEST_CASE("engines: ConvTranspose agrees with the reference") {
  const std::string engine = GENERATE(from_range(engines()));
  const bool int8 = GENERATE(false, true);
  const int64_t stride = GENERATE(1, 2), extra = GENERATE(0, 1);
  if (extra >= stride) return;
  CAPTURE(engine, int8, stride, extra);
  QdqGraph g;
  const Shape w{16, 8, 3, 3};
  const std::vector<std::pair<std::string, AttributeValue>> attributes{
      {"strides", Ints{stride, stride}}, {"pads", Ints{1, 1, 0, 1}}, {"output_padding", Ints{extra, extra}}};
  Value& x = g.input("x", {1, 16, 7, 9});
  Value* y = int8 ? &g.q(g.op("ConvTranspose", {&g.q(x, {0.0078f, 117}), &g.weight(w, 1, 0.01f)}, attributes), {0.1f, 99})
                  : &g.op("ConvTranspose", {&x, &g.constant(w), &g.constant({8})}, attributes);
  const Model model = g.finish(*y);
  const ClusterCheck check = check_of(check_engine(engine, model, random_inputs(model)), "ConvTranspose");
  CAPTURE(engine, to_text(check));
  CHECK(agrees_or_left(engine, check));
}

TEST_CASE("engines: ConvTranspose of disjoint patches is a matrix product") {
  const std::string engine = GENERATE(from_range(engines()));
  struct Patches {
    Shape x, w;
  };
  const Patches c = GENERATE(Patches{{2, 16, 5, 7}, {16, 8, 2, 2}}, Patches{{1, 6, 3, 4}, {6, 1, 2, 2}}, Patches{{1, 8, 9}, {8, 5, 4}},
                             Patches{{1, 8, 2, 3, 4}, {8, 6, 2, 3, 2}}, Patches{{1, 12, 40, 40}, {12, 24, 2, 2}});
  const bool int8 = GENERATE(false, true), relu = GENERATE(false, true);
  CAPTURE(engine, c.x, c.w, int8, relu);
  const Ints strides(c.w.begin() + 2, c.w.end());
  QdqGraph g;
  Value& x = g.input("x", c.x);
  Value* from = int8 ? &g.q(x, {0.0078f, 117}) : &x;
  Value& w = int8 ? g.weight(c.w, 1, 0.01f) : g.constant(c.w);
  Value& b = int8 ? g.bias(c.w[1], 0.0078f, w) : g.constant({c.w[1]});
  Value* y = &g.op("ConvTranspose", {from, &w, &b}, {{"strides", strides}});
  if (relu) y = &g.op("Relu", {y});
  if (int8) y = &g.q(*y, {0.03f, 99});
  const Model model = g.finish(*y);
  const ClusterCheck check = check_of(check_engine(engine, model, random_inputs(model)), "ConvTranspose");
  CAPTURE(engine, to_text(check));
  CHECK(agrees_or_left(engine, check));
  if (engine == "arm") CHECK(check.kernel.find("by patches") != std::string::npos);
}

}  // namespace
}  // namespace qtool::testing
