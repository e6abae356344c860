#include "pass/tidy.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "evaluate.h"
#include "ops/op_def.h"
#include "support/models.h"

namespace qtool {
namespace {

using Catch::Matchers::ContainsSubstring;
using Operators = std::vector<std::string>;
using namespace testing;

/// Tidies, checks that outputs stay to the bit, and returns the operators left.
Operators tidied(Model& model) {
  const Values inputs = random_inputs(model, 1);
  const Values before = evaluate(model, inputs);
  tidy(model);
  CHECK(distance(before, evaluate(model, inputs)) == 0);
  return operators(model);
}
Operators tidied(const std::string& text) {
  Model model = model_of(text);
  return tidied(model);
}

bool has_skip(const std::vector<PassReport>& reports, const std::string& node, const std::string& reason) {
  for (const PassReport& report : reports)
    for (const auto& skip : report.skips)
      if (skip.node.find(node) != std::string::npos && skip.reason.find(reason) != std::string::npos) return true;
  return false;
}

TEST_CASE("tidy: Constant nodes become weights of their name, in all numeric forms") {
  const auto attribute = GENERATE(as<std::string>{}, "value = float[2] {1, 2}", "value_float = 2.0", "value_floats = [1.0, 2.0]");
  Model model = model_of("g (float[N, 2] x) => (float[N, 2] y) { [const] k = Constant<" + attribute + ">() y = Mul(x, k) }");
  CHECK(tidied(model) == Operators{"Mul"});
  REQUIRE(model.graph->find("k"));
  CHECK(model.graph->find("k")->constant());
}

TEST_CASE("tidy: integer Constants become weights, strings stay") {
  const auto attribute = GENERATE(as<std::string>{}, "value_int = 1", "value_ints = [1, 0]");
  CHECK(tidied("g (float[3, 2] x) => (float[N, 2] y) { k = Constant<" + attribute + ">() y = Gather(x, k) }") == Operators{"Gather"});
  Model model = model_of("g (float[1] x) => (string[1] y) { k = Constant<value_string = \"a\">() y = mine.Join(k, x) }");
  tidy(model);
  CHECK(operators(model) == Operators{"Constant", "Join"});
}

TEST_CASE("tidy: constants in bodies become weights of the body") {
  const std::string text = R"(g (bool c, float[2] x) => (float[2] y) {
    y = If(c) <then_branch = a () => (float[2] p) { k = Constant<value = float[2] {1, 2}>() p = Mul(x, k) },
               else_branch = b () => (float[2] q) { k2 = Constant<value_float = 3.0>() l = Exp(k2) q = Add(x, l) }>
  })";
  Model model = model_of(text);
  CHECK(tidied(model) == Operators{"If", "Mul", "Add"});
}

TEST_CASE("tidy: what only constants feed is folded, whatever the operator") {
  const std::string text = R"(g (float[N, 2] x) => (float[N, 2] y) <float[2, 2] w = {1, 2, 3, 4}, float e = {0.5}> {
    t = Transpose<perm = [1, 0]>(w)
    s = Add(t, e)
    y = MatMul(x, s)
  })";
  CHECK(tidied(text) == Operators{"MatMul"});
}

TEST_CASE("tidy: what codes stand for is kept, codes of a constant are folded") {
  const std::string text =
      R"(g (float[N, 2] x) => (float[N, 2] y) <int8[2, 2] q = {1, 2, 3, 4}, float s = {0.5}, int8 z = {0}, float[2] b = {1, 2}> {
    w = DequantizeLinear(q, s, z)
    c = QuantizeLinear(b, s, z)
    d = DequantizeLinear(c, s, z)
    p = MatMul(x, w)
    y = Add(p, d)
  })";
  CHECK(tidied(text) == Operators{"DequantizeLinear", "DequantizeLinear", "MatMul", "Add"});
}

TEST_CASE("tidy: an initializer that is a graph input is never folded") {
  Model model = model_of("g (float[N, 2] x, float[2] d) => (float[N, 2] y) { e = Exp(d) y = Mul(x, e) }");
  model.graph->find("d")->producer().weight = SealedTensor{Tensor::of<float>({2}, {1, 2}), nullptr, TensorStorage::raw};
  CHECK(tidied(model) == Operators{"Exp", "Mul"});
}

TEST_CASE("tidy: random operators and results far larger than their inputs are not folded") {
  const std::string random =
      "g (float[N, 2] x) => (float[N, 2] y) <float[2] k = {1, 2}> { r = RandomNormalLike(k) z = Mul(x, r) y = Relu(z) }";
  Model model = model_of(random);
  tidy(model);
  CHECK(count(model, "RandomNormalLike") == 1);
  Model large = model_of(
      "g (float[N] x) => (float[N] y) <int64[1] s = {20000}> { c = ConstantOfShape(s) m = ReduceMax<keepdims = 0>(c) y = Add(x, m) }");
  const auto reports = tidy(large);
  CHECK(count(large, "ConstantOfShape") == 1);
  CHECK(has_skip(reports, "ConstantOfShape", "80000 bytes"));
}

TEST_CASE("tidy: a public constant result keeps its node") {
  const std::string text = "g (float[N] x) => (float[N] y, float k) <float a = {2}> { k = Exp(a) y = Mul(x, k) }";
  CHECK(tidied(text) == Operators{"Exp", "Mul"});
}

TEST_CASE("tidy: an operator that refuses its inputs is skipped with the reason") {
  Model model =
      model_of("g (float[N] x) => (float[N] y) <float[2] a = {1, 2}, float[3] b = {1, 2, 3}> { k = mine.Op(a, b) y = Mul(x, k) }");
  tidy(model);
  CHECK(operators(model) == Operators{"Op", "Mul"});
}

// --- shape arithmetic ----------------------------------------------------------------------------------------------

TEST_CASE("tidy: Shape of a known value folds through its arithmetic") {
  const std::string text =
      R"(g (float[2, 3, 4] x) => (float[A, B] y) <int64 one = {1}, int64 zero = {0}, int64[1] ax = {0}, int64[1] minus = {-1}> {
    s = Shape(x)
    b = Gather(s, zero)
    u = Unsqueeze(b, ax)
    shape = Concat<axis = 0>(u, minus)
    y = Reshape(x, shape)
  })";
  CHECK(tidied(text) == Operators{"Reshape"});
}

TEST_CASE("tidy: a Reshape that repeats a dimension of its input needs no Shape") {
  Model model = model_of(R"(g (float[N, 3, 4] x) => (float[N, B] y) <int64 zero = {0}, int64[1] ax = {0}, int64[1] minus = {-1}> {
    r = Relu(x)
    s = Shape(r)
    b = Gather(s, zero)
    u = Unsqueeze(b, ax)
    shape = Concat<axis = 0>(u, minus)
    y = Reshape(r, shape)
  })");
  CHECK(tidied(model) == Operators{"Relu", "Reshape"});
  const Tensor* shape = model.graph->find("y")->producer().in(1)->constant();
  REQUIRE(shape);
  CHECK(shape->to_ints() == std::vector<int64_t>{0, -1});
}

TEST_CASE("tidy: the symbol of a dimension is followed to another value of it") {
  const std::string text = R"(g (float[N, 3, 4] x) => (float[N, A, B] y) <int64 zero = {0}, int64[1] ax = {0}, int64[2] rest = {2, 6}> {
    s = Shape(x)
    b = Gather(s, zero)
    u = Unsqueeze(b, ax)
    shape = Concat<axis = 0>(u, rest)
    r = Relu(x)
    y = Reshape(r, shape)
  })";
  CHECK(tidied(text) == Operators{"Relu", "Reshape"});
}

TEST_CASE("tidy: two unknown dimensions that are not the input's stay computed") {
  const std::string text = R"(g (float[N, M, 4] x) => (float[A, B, C] y) <int64[1] zero = {0}, int64[1] one = {1}, int64[1] four = {4}> {
    s = Shape(x)
    b = Gather(s, one)
    a = Gather(s, zero)
    shape = Concat<axis = 0>(b, a, four)
    y = Reshape(x, shape)
  })";
  CHECK(tidied(text) == Operators{"Shape", "Gather", "Gather", "Concat", "Reshape"});
}

TEST_CASE("tidy: Paddle's flatten: Shape, Cast, Slice, Cast, Concat") {
  const std::string text = R"(g (float[N, 3, 1, 1] x) => (float[N, B] y) <int64[1] zero = {0}, int64[1] one = {1}, int32[1] c = {3}> {
    s = Shape(x)
    i = Cast<to = 6>(s)
    b = Slice(i, zero, one, zero, one)
    j = Cast<to = 7>(b)
    k = Cast<to = 7>(c)
    shape = Concat<axis = -1>(j, k)
    y = Reshape(x, shape)
  })";
  CHECK(tidied(text) == Operators{"Reshape"});
}

// --- no-ops --------------------------------------------------------------------------------------------------------

TEST_CASE("tidy: Identity, inference Dropout and Cast to the same type go; graph outputs keep their names") {
  const auto op =
      GENERATE(as<std::string>{}, "Identity(a)", "Dropout(a)", "Dropout(a, ratio)", "Dropout(a, ratio, no)", "Cast<to = 1>(a)", "Sum(a)");
  const std::string text = "g (float[N] x) => (float[N] y, float[N] z) <float ratio = {0.5}, bool no = {0}> { a = Relu(x) b = " + op +
                           " y = Exp(b) z = " + op + " }";
  Model model = model_of(text);
  CHECK(tidied(model) == Operators{"Relu", "Exp"});
}

TEST_CASE("tidy: Dropout whose mask is used, or in training, stays") {
  Model masked = model_of("g (float[N] x) => (float[N] y, bool[N] m) { y, m = Dropout(x) }");
  tidy(masked);
  CHECK(operators(masked) == Operators{"Dropout"});
  Model training =
      model_of("g (float[N] x) => (float[N] y) <float ratio = {0.5}, bool yes = {1}> { a = Relu(x) y = Dropout(a, ratio, yes) }");
  tidy(training);
  CHECK(operators(training) == Operators{"Relu", "Dropout"});
}

TEST_CASE("tidy: Identity between public names stays, with the reason") {
  Model model = model_of("g (float[N] x) => (float[N] y, float[N] z) { y = Identity(x) z = Relu(x) }");
  const auto reports = tidy(model);
  CHECK(operators(model) == Operators{"Identity", "Relu"});
  CHECK(has_skip(reports, "y", "public"));
}

TEST_CASE("tidy: a body that passes an outer value through keeps its Identity") {
  const std::string text = R"(g (bool c, float[2] x) => (float[2] y) {
    r = Relu(x)
    y = If(c) <then_branch = a () => (float[2] p) { p = Identity(r) }, else_branch = b () => (float[2] q) { i = Identity(r) q = Exp(i) }>
  })";
  CHECK(tidied(text) == Operators{"Relu", "If", "Identity", "Exp"});
}

TEST_CASE("tidy: Sum of two is Add, of three stays") {
  CHECK(tidied("g (float[N] x, float[N] z) => (float[N] y) { y = Sum(x, z) }") == Operators{"Add"});
  CHECK(tidied("g (float[N] x, float[N] z) => (float[N] y) { y = Sum(x, z, z) }") == Operators{"Sum"});
}

TEST_CASE("tidy: nodes and weights nobody uses go, inputs stay") {
  Model model = model_of("g (float[N] x, float[N] u) => (float[N] y) <float k = {1}> { a = Mul(u, k) b = Exp(a) y = Relu(x) }");
  tidy(model);
  CHECK(operators(model) == Operators{"Relu"});
  CHECK(model.graph->placeholders().size() == 2);
  CHECK_FALSE(model.graph->find("k"));
}

TEST_CASE("tidy: what only a dead body used goes with it") {
  Model model = model_of(R"(g (bool c, float[2] x) => (float[2] y) {
    r = Exp(x)
    d = If(c) <then_branch = a () => (float[2] p) { p = Relu(r) }, else_branch = b () => (float[2] q) { unused = Exp(r) q = Relu(x) }>
    y = Relu(x)
  })");
  tidy(model);
  CHECK(operators(model) == Operators{"Relu"});
}

TEST_CASE("tidy: If with a constant condition becomes its branch, names kept where free") {
  const auto condition = GENERATE(as<std::string>{}, "1", "0");
  const std::string text = "g (float[2] x) => (float[2] y, float[2] z) <bool c = {" + condition + R"(}> {
    r = Relu(x)
    y, t = If(c) <then_branch = a () => (float[2] p, float[2] p2) { inner = Exp(r) p = Mul(inner, x) p2 = Identity(r) },
                  else_branch = b () => (float[2] q, float[2] q2) { w = Constant<value = float[2] {1, 2}>() q = Add(r, w) q2 = Exp(q) }>
    z = Neg(t)
  })";
  Model model = model_of(text);
  const Operators expected = condition == "1" ? Operators{"Relu", "Exp", "Mul", "Neg"} : Operators{"Relu", "Add", "Exp", "Neg"};
  CHECK(tidied(model) == expected);
  CHECK(model.graph->find(condition == "1" ? "inner" : "w"));
}

TEST_CASE("tidy: twice is once, and the model still loads") {
  Model model = model_of(
      "g (float[N, 2] x) => (float[N, 2] y) { k = Constant<value_float = 2.0>() l = Exp(k) i = Identity(x) s = Sum(i, l) y = Dropout(s) }");
  tidy(model);
  const std::string once = to_table(model);
  tidy(model);
  CHECK(to_table(model) == once);
  CHECK(to_table(reloaded(model)) == once);
}

// --- lift ----------------------------------------------------------------------------------------------------------

TEST_CASE("lift: operators change at the opset that changed them, the numbers stay") {
  const std::string text = R"(<ir_version: 4, opset_import: ["" : 9]> g (float[2, 3] x) => (float[1, 2, 3] y) {
    c = Clip<min = 0.0, max = 0.5>(x)
    y = Unsqueeze<axes = [0]>(c)
  })";
  Model model = model_of(text);
  const Values inputs = random_inputs(model, 1), before = evaluate(model, inputs);
  const PassReport report = lift(model, 13);
  lint(model, "lift");
  CHECK(model.opset() == 13);
  CHECK(report.changes.size() == 2);
  CHECK(distance(before, evaluate(model, inputs)) == 0);
  CHECK(model.graph->find("c")->producer().input_count() == 3);
  CHECK_FALSE(model.graph->find("y")->producer().attribute("axes"));
}

TEST_CASE("lift: bodies and functions too") {
  const std::string text = R"(<ir_version: 8, opset_import: ["" : 10, "m" : 1]>
    g (bool c, float[2, 3] x) => (float[2, 3] y) {
      z = m.f(x)
      y = If(c) <then_branch = a () => (float[2, 3] p) { p = Clip<max = 0.5>(z) }, else_branch = b () => (float[2, 3] q) { q = Clip<min = 0.0>(z) }>
    }
    <opset_import: ["" : 10], domain: "m">
    f (u) => (v) { v = Clip<min = -0.25>(u) })";
  Model model = model_of(text);
  const Values inputs = random_inputs(model, 1), before = evaluate(model, inputs);
  lift(model, 13);
  CHECK(model.functions[0]->opsets[0].second == 13);
  CHECK(distance(before, evaluate(model, inputs)) == 0);
}

TEST_CASE("lift: never lower; unknown operators and newer opsets are left") {
  Model model =
      model_of("<ir_version: 8, opset_import: [\"\" : 99, \"mine\" : 1]> g (float[2] x) => (float[2] y) { a = mine.Op(x) y = Relu(a) }");
  CHECK(lift(model, 13).changes.empty());
  CHECK(model.opset() == 99);
  Model old = model_of(
      "<ir_version: 8, opset_import: [\"\" : 7, \"mine\" : 1]> g (float[2] x) => (float[2] y) { a = mine.Op(x) b = NewThing(a) y = Relu(b) "
      "}");
  lift(old, 13);
  CHECK(old.opset() == 13);
  CHECK(operators(old) == Operators{"Op", "NewThing", "Relu"});
}

TEST_CASE("lift: what cannot be lifted is named") {
  const std::string text = R"(<ir_version: 4, opset_import: ["" : 7]>
    g (float[2, 3, 4] x, float[3, 4] s, float[3, 4] t, float[3, 4] m, float[3, 4] v) => (float[2, 3, 4] y) { [bn] y = BatchNormalization<spatial = 0>(x, s, t, m, v) })";
  Model model = model_of(text);
  CHECK_THROWS_WITH(lift(model, 15), ContainsSubstring("BatchNormalization") && ContainsSubstring("bn"));
}

// --- inline_functions ----------------------------------------------------------------------------------------------

const auto kInlineAll = [](const Node&) { return false; };

TEST_CASE("inline_functions: nested calls, attributes with and without default, called twice") {
  const std::string text = R"(<ir_version: 8, opset_import: ["" : 17, "m" : 1]>
    g (float[N] x) => (float[N] y) {
      [one] a = m.outer<alpha = 0.5>(x)
      [two] y = m.outer(a)
    }
    <opset_import: ["" : 17, "m" : 1], domain: "m">
    outer <alpha> (u) => (v) { t = Exp(u) v = m.inner<slope: float = @alpha>(t, u) }
    <opset_import: ["" : 17], domain: "m">
    inner <slope> (p, q) => (r) { s = Neg(p) l = LeakyRelu<alpha: float = @slope>(s) r = Add(l, q) })";
  Model model = model_of(text);
  Function& outer = *model.find_function("m", "outer");
  outer.attributes.clear();
  outer.attribute_defaults.push_back({"alpha", 0.25f, "", nullptr});
  const auto report = inline_functions(model, kInlineAll);
  lint(model, "inline");
  CHECK(report.changes.size() == 4);
  CHECK(operators(model) == Operators{"Exp", "Neg", "LeakyRelu", "Add", "Exp", "Neg", "LeakyRelu", "Add"});
  CHECK(model.functions.empty());
  std::vector<float> slopes;
  for (Node& node : model.graph->nodes())
    if (node.is("LeakyRelu")) slopes.push_back(node.attr_or("alpha", 9.f));
  CHECK(slopes == std::vector<float>{0.5f, 0.25f});
  CHECK(model.graph->find("a"));
  CHECK(model.graph->find("one/t"));
  CHECK(model.graph->find("two/t"));
}

TEST_CASE("inline_functions: captured inputs in the bodies of a function") {
  const std::string text = R"(<ir_version: 8, opset_import: ["" : 17, "m" : 1]>
    g (bool c, float[2] x) => (float[2] y, float[2] z) { y = m.f(c, x) z = m.f(c, y) }
    <opset_import: ["" : 17], domain: "m">
    f (k, u) => (v) {
      e = Exp(u)
      v = If(k) <then_branch = a () => (float[2] p) { p = Add(e, u) }, else_branch = b () => (float[2] q) { q = Neg(e) }>
    })";
  Model model = model_of(text);
  const Values inputs = random_inputs(model, 1), before = evaluate(model, inputs);
  inline_functions(model, kInlineAll);
  lint(model, "inline");
  CHECK(distance(before, evaluate(model, inputs)) == 0);
  CHECK(operators(reloaded(model)).size() == operators(model).size());
}

TEST_CASE("inline_functions: kept calls, other opsets, and recursion") {
  const auto text = [](const char* opset, const char* body) {
    return std::string(
               "<ir_version: 8, opset_import: [\"\" : 17, \"m\" : 1]> g (float[N] x) => (float[N] y) { [call] y = m.f(x) } <opset_import: "
               "[\"\" : ") +
           opset + ", \"m\" : 1], domain: \"m\"> f (u) => (v) { " + body + " }";
  };
  Model kept = model_of(text("17", "v = Exp(u)"));
  CHECK(inline_functions(kept, [](const Node&) { return true; }).changes.empty());
  CHECK(kept.functions.size() == 1);
  Model other = model_of(text("16", "v = Exp(u)"));
  const auto report = inline_functions(other, kInlineAll);
  REQUIRE(report.skips.size() == 1);
  CHECK_THAT(report.skips[0].reason, ContainsSubstring("opset 16"));
  Model endless = model_of(
      "<ir_version: 8, opset_import: [\"\" : 17, \"m\" : 1]> g (float[N] x) => (float[N] y) { y = m.f(x) } <opset_import: [\"\" : 17], "
      "domain: \"m\"> f (u) => (v) { v = Exp(u) }");
  Graph& body = *endless.functions[0]->body;
  Node& exp = body.find("v")->producer();
  Node& self = body.add_call(NodeKind::call_module, "m", "f", {exp.out()}, {"again"});
  body.set_outputs_of_graph({self.out()});
  CHECK_THROWS_WITH(inline_functions(endless, kInlineAll), ContainsSubstring("calls itself"));
}

}  // namespace
}  // namespace qtool
