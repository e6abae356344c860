#include "pass/fuse.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "evaluate.h"
#include "ops/op_def.h"
#include "pass/tidy.h"
#include "support/models.h"

namespace qtool {
namespace {

using Catch::Matchers::ContainsSubstring;
using Operators = std::vector<std::string>;
using namespace testing;

const auto kAll = [](const Node&) { return true; };

struct Row {
  const char *pattern, *module, *method = "", *root = "";
};

std::vector<FusionRule> rules(const std::vector<Row>& rows) {
  std::vector<FusionRule> made;
  for (const Row& row : rows) made.push_back({Pattern::parse(row.pattern), row.module, row.method, row.root, 0});
  return made;
}

PassReport run_fuse(Model& model, const std::vector<Row>& rows, const std::function<bool(const Node&)>& allowed = kAll) {
  infer_types(model);
  return run_pass(model, "fuse", [&](Model& m) { return fuse(m, rules(rows), allowed); });
}

/// Fuses, checks that the numbers stay, also after the trip through a file and after inlining, and returns what is left.
Operators fused(Model& model, const std::vector<Row>& rows, double bound = 0) {
  const Values inputs = random_inputs(model, 1), before = evaluate(model, inputs);
  run_fuse(model, rows);
  CHECK(distance(before, evaluate(model, inputs)) <= bound);
  CHECK(to_table(reloaded(model)) == to_table(model));
  Model inlined = copy(model);
  inline_functions(inlined, [](const Node&) { return false; });
  lint(inlined, "inline");
  CHECK(distance(before, evaluate(inlined, inputs)) <= bound);
  return operators(model);
}

Model conv_bn_relu() {
  Model model = model_of(
      R"(g (float[N, 3, 5, 5] x, float[4, 3, 3, 3] w, float[4] s, float[4] t, float[4] m) => (float[N, 4, 3, 3] y) <float[4] v = {1, 2, 3, 4}> {
    [conv1] c = Conv(x, w)
    [bn1] n = BatchNormalization(c, s, t, m, v)
    [relu1] y = Relu(n)
  })");
  add_weights(model, {"w", "s", "t", "m"});
  return model;
}

TEST_CASE("fuse: a group prints as SPEC 1 says: a call of a module over (x, w, b)") {
  Model model = model_of(R"(g (float[N, 3, 5, 5] x, float[4, 3, 3, 3] w, float[4] b) => (float[N, 4, 3, 3] y) {
    [conv1] c = Conv(x, w, b)
    y = Relu(c)
  })");
  add_weights(model, {"w", "b"});
  fused(model, {{"Relu(Conv(?x, ?w, ?b=))", "ConvRelu"}});
  CHECK(to_table(*model.graph) ==
        "opcode       name    target      args       kwargs\n"
        "placeholder  x       x           ()         {}\n"
        "get_attr     w       w           ()         {}\n"
        "get_attr     b       b           ()         {}\n"
        "call_module  y       ConvRelu_0  (x, w, b)  {}\n"
        "output       output  output      (y,)       {}\n");
  const Node& call = model.graph->find("y")->producer();
  CHECK(call.name == "conv1");
  CHECK(call.domain == kFusedDomain);
  CHECK(root_module_of(model, call) == "Conv");
  CHECK(root_node_of(model, call)->op == "Conv");
  CHECK(model.opset(kFusedDomain) == 1);
  const Function& function = model.function_of(call);
  CHECK(function.opsets == Opsets{{"", 17}});
  CHECK(function.body->find("c")->producer().name == "conv1");
}

TEST_CASE("fuse: the rewrite runs first, what is left of the match is the group") {
  Model model = conv_bn_relu();
  CHECK(fused(model, {{"Relu(BatchNormalization(Conv(?x, ?w, ?b=), ...))", "ConvRelu", "fold_bn"}}, 3e-6) == Operators{"ConvRelu_0"});
  const Node& call = model.graph->find("y")->producer();
  CHECK(call.input_count() == 3);
  CHECK(call.name == "conv1");
}

TEST_CASE("fuse: weights that were folded away are gone") {
  Model model = conv_bn_relu();
  run_fuse(model, {{"BatchNormalization(Conv(?x, ?w, ?b=), ...)", "", "fold_bn"}});
  std::vector<std::string> weights;
  for (const Node& node : model.graph->nodes())
    if (node.kind() == NodeKind::get_attr) weights.push_back(node.out()->name());
  std::sort(weights.begin(), weights.end());
  CHECK(weights == std::vector<std::string>{"w", "w_bias"});
}

TEST_CASE("fuse: a rewrite without a group, then a group over its result") {
  Model model = conv_bn_relu();
  CHECK(fused(model, {{"Relu(Conv(?x, ?w, ?b=))", "ConvRelu"}, {"BatchNormalization(Conv(...), ...)", "", "fold_bn"}}, 3e-6) ==
        Operators{"ConvRelu_0"});
}

TEST_CASE("fuse: a backend that does not list the pattern leaves the nodes separate") {
  Model model = conv_bn_relu();
  CHECK(fused(model, {{"Relu(Conv(?x, ?w, ?b=))", "ConvRelu"}, {"Conv", ""}}) == Operators{"Conv", "BatchNormalization", "Relu"});
  CHECK(model.functions.empty());
  CHECK(model.opset(kFusedDomain) == 0);
}

TEST_CASE("fuse: a pending group survives a rewrite of its first node by another rule") {
  Model model = model_of(R"(g (float[N, 3, 5, 5] x, float[4, 3, 3, 3] w, float[4] s, float[4] t, float[4] m) => (float[N, 4, 5, 5] y)
    <float[4] v = {1, 2, 3, 4}, int64[8] pads = {0, 0, 1, 1, 0, 0, 1, 1}> {
    p = Pad(x, pads)
    c = Conv(p, w)
    n = BatchNormalization(c, s, t, m, v)
    y = Relu(n)
  })");
  add_weights(model, {"w", "s", "t", "m"});
  CHECK(fused(model, {{"Relu(BatchNormalization(Conv(?x, ?w), ...))", "ConvRelu", "fold_bn"}, {"Conv(Pad(...), ...)", "", "fold_pad"}},
              3e-6) == Operators{"ConvRelu_0"});
}

const char* const kResidual = R"(g (float[N, 2, 3, 3] x, float[2, 2, 1, 1] w, float[2, 2, 1, 1] u) => (float[N, 2, 3, 3] y) {
  [a] c = Conv(x, w)
  [b] d = Conv(x, u)
  [add] s = Add(c, d)
  [relu] y = Relu(s)
})";

TEST_CASE("fuse: a rewrite that waits for another keeps smaller ones off") {
  Model model = model_of(R"(g (float[N, 3, 5, 5] x, float[4, 3, 3, 3] w, float[4] s, float[4] t, float[4] m) => (float[N, 4, 5, 5] y)
    <float[4] v = {1, 2, 3, 4}, int64[8] pads = {0, 0, 1, 1, 0, 0, 1, 1}> {
    p = Pad(x, pads)
    c = Conv(p, w)
    y = BatchNormalization(c, s, t, m, v)
  })");
  add_weights(model, {"w", "s", "t", "m"});
  CHECK(fused(model,
              {{"BatchNormalization(?x, ...)", "", "bn_to_conv"},
               {"Conv(Pad(...), ...)", "", "fold_pad"},
               {"BatchNormalization(Conv(...), ...)", "", "fold_bn"}},
              3e-6) == Operators{"Conv"});
}

TEST_CASE("fuse: the longest match wins") {
  Model model = model_of(kResidual);
  add_weights(model, {"w", "u"});
  CHECK(fused(model, {{"Add(Conv(?x, ?w), ?z)", "ConvAdd"}, {"Relu(?x)", "R"}, {"Relu(Add(Conv(?x, ?w), ?z))", "ConvAddRelu"}}) ==
        Operators{"Conv", "ConvAddRelu_0"});
}

TEST_CASE("fuse: a rewrite of weights goes before a longer plain group, but not into an exploded operator") {
  const std::vector<Row> rows{{"Add(Conv(?x, ?w, ?b=), const)", "", "fold_add"},
                              {"Relu(Add(Conv(?x, ?w, ?b=), ?y))", "ConvAddRelu"},
                              {"Relu(Conv(?x, ?w, ?b=))", "ConvRelu"},
                              {"Div(Clip(Add(?x, 3), 0, 6), 6)", "HardSigmoid"}};
  Model bias = model_of(
      "g (float[N, 2, 3, 3] x, float[2, 2, 1, 1] w, float[1, 2, 1, 1] b) => (float[N, 2, 3, 3] y) { c = Conv(x, w) a = Add(c, b) y = "
      "Relu(a) }");
  add_weights(bias, {"w", "b"});
  CHECK(fused(bias, rows, 1e-6) == Operators{"ConvRelu_0"});
  Model gate = model_of(
      "g (float[N, 2, 3, 3] x, float[2, 2, 1, 1] w) => (float[N, 2, 3, 3] y) <float three = {3}, float zero = {0}, float six = {6}> { c = "
      "Conv(x, w) a = Add(c, three) k = Clip(a, zero, six) y = Div(k, six) }");
  add_weights(gate, {"w"});
  CHECK(fused(gate, rows) == Operators{"Conv", "HardSigmoid_0"});
}

TEST_CASE("fuse: of equally long matches the earlier one, then the earlier rule") {
  Model model = model_of("g (float[N] x) => (float[N] y) { a = Relu(x) b = Exp(a) c = Neg(b) y = Abs(c) }");
  CHECK(fused(model, {{"Neg(Exp(?x))", "Middle"}, {"Exp(Relu(?x))", "First"}, {"Abs(Neg(?x))", "Last"}, {"Exp(Relu(?x))", "Same"}}) ==
        Operators{"First_0", "Last_0"});
}

TEST_CASE("fuse: groups are numbered in the order of the graph, on top of those that are there") {
  const std::string text = "g (float[N] x) => (float[N] y) { a = Relu(x) b = Exp(a) c = Neg(b) d = Relu(c) y = Exp(d) }";
  Model model = model_of(text);
  CHECK(fused(model, {{"Exp(Relu(?x))", "ReluExp"}}) == Operators{"ReluExp_0", "Neg", "ReluExp_1"});
  Node& relu = model.graph->call("Relu", {model.graph->find("y")}, "e").producer();
  model.graph->set_outputs_of_graph({&model.graph->call("Exp", {relu.out()}, "f")});
  CHECK(fused(model, {{"Exp(Relu(?x))", "ReluExp"}}) == Operators{"ReluExp_0", "Neg", "ReluExp_1", "ReluExp_2"});
}

TEST_CASE("fuse: wrapped nodes are not touched, with the reason") {
  Model model = conv_bn_relu();
  const auto report = run_fuse(model, {{"Relu(BatchNormalization(Conv(...), ...))", "ConvRelu", "fold_bn"}},
                               [](const Node& node) { return node.name != "bn1"; });
  CHECK(operators(model) == Operators{"Conv", "BatchNormalization", "Relu"});
  REQUIRE(report.skips.size() == 1);
  CHECK_THAT(report.skips[0].reason, ContainsSubstring("--wrap"));
}

TEST_CASE("fuse: a refused rewrite forms no group and is reported once") {
  Model model = conv_bn_relu();
  model.graph->find("v")->producer().weight->tensor = Tensor::of<float>({4}, {1, 1, 1, -1});
  const auto report = run_fuse(model, {{"Relu(BatchNormalization(Conv(...), ...))", "ConvRelu", "fold_bn"}});
  CHECK(operators(model) == Operators{"Conv", "BatchNormalization", "Relu"});
  CHECK(report.skips.size() == 1);
}

TEST_CASE("fuse: inside bodies, with captured values as inputs of the call") {
  Model model = model_of(R"(g (bool c, float[2] x) => (float[2] y) {
    r = Exp(x)
    y = If(c) <then_branch = a () => (float[2] p) { s = Sigmoid(r) p = Mul(s, r) }, else_branch = b () => (float[2] q) { q = Relu(r) }>
  })");
  CHECK(fused(model, {{"Mul(?x, Sigmoid(?x))", "Swish"}}) == Operators{"Exp", "If", "Swish_0", "Relu"});
}

TEST_CASE("fuse: unnamed roots keep their address") {
  Model model = model_of("g (float[N] x) => (float[N] y) { a = Relu(x) y = Exp(a) }");
  const std::string before = model.graph->find("a")->producer().path();
  run_fuse(model, {{"Exp(Relu(?x))", "ReluExp", "", "Relu"}});
  CHECK(model.graph->find("y")->producer().path() == before);
}

TEST_CASE("fuse: the rank of the weight tells Conv1d from Conv2d") {
  const auto build = [](const char* x, const char* w) {
    Model model = model_of(std::string("g (") + x + " x, " + w + " w) => (float[A, B, C] y) { c = Conv(x, w) y = Relu(c) }");
    add_weights(model, {"w"});
    auto row = rules({{"Relu(Conv(?x, ?w))", "Conv1dRelu"}});
    row[0].weight_rank = 3;
    fuse(model, row, kAll);
    return operators(model);
  };
  CHECK(build("float[1, 2, 5]", "float[2, 2, 3]") == Operators{"Conv1dRelu_0"});
  CHECK(build("float[1, 2, 5, 5]", "float[2, 2, 3, 3]") == Operators{"Conv", "Relu"});
}

TEST_CASE("fuse: inlining takes every trace away") {
  Model model = conv_bn_relu();
  const std::string before = to_table(model);
  run_fuse(model, {{"Relu(BatchNormalization(?c, ...))", "BnRelu"}});
  REQUIRE(model.functions.size() == 1);
  inline_functions(model, [](const Node&) { return false; });
  CHECK(to_table(model) == before);
  CHECK(model.opset(kFusedDomain) == 0);
  CHECK(model.metadata.empty());
}

// --- exploded activations and normalizations -----------------------------------------------------------------------

const std::vector<Row> kActivations = {
    {"Div(Mul(?x, Clip(Add(?x, 3), 0, 6)), 6)", "HardSwish"},
    {"Mul(?x, Div(Clip(Add(?x, 3), 0, 6), 6))", "HardSwish"},
    {"Mul(Mul(?x, Clip(Add(?x, 3), 0, 6)), 0.16666667)", "HardSwish"},
    {"Mul(?x, HardSigmoid(?x))", "HardSwish"},
    {"Div(Clip(Add(?x, 3), 0, 6), 6)", "HardSigmoid"},
    {"Mul(?x, Sigmoid(?x))", "Swish"},
    {"Mul(Mul(?x, 0.5), Add(Erf(Div(?x, 1.4142135)), 1))", "Gelu"},
    {"Mul(Mul(?x, Add(Erf(Div(?x, 1.4142135)), 1)), 0.5)", "Gelu"},
    {"Mul(?x, Mul(Add(Erf(Div(?x, 1.4142135)), 1), 0.5))", "Gelu"},
    {"Mul(Mul(?x, 0.5), Add(Erf(Mul(?x, 0.70710677)), 1))", "Gelu"},
    {"Add(Mul(Div(Sub(?x, ReduceMean(?x, ...)), Sqrt(Add(ReduceMean(Pow(Sub(?x, ReduceMean(?x, ...)), 2), ...), const))), const ?g), const "
     "?b)",
     "LayerNorm"},
    {"Div(Exp(Sub(?x, ReduceMax(?x, ...))), ReduceSum(Exp(Sub(?x, ReduceMax(?x, ...))), ...))", "Softmax"},
};

Operators fuse_activation(const std::string& body) {
  Model model = model_of(
      "g (float[2, 3] z) => (float[2, 3] y) <float three = {3}, float[1] three1 = {3}, float zero = {0}, float six = {6}, float[1] six1 = "
      "{6}, "
      "float half = {0.5}, float one = {1}, float root = {1.4142135381698608}, float two = {2}, float eps = {0.00001}, "
      "float[3] g = {1, 2, 3}, float[3] b = {3, 2, 1}, int64[1] last = {-1}, float sixth = {0.16666667163372040}, float inverse = "
      "{0.70710676908493042}> { x = Exp(z) " +
      body + " }");
  return fused(model, kActivations);
}

TEST_CASE("fuse: HardSwish as Paddle and PyTorch write it, in any order and with constants of shape [] or [1]") {
  const auto body = GENERATE(as<std::string>{}, "a = Add(x, three) c = Clip(a, zero, six) m = Mul(x, c) y = Div(m, six)",
                             "a = Add(three1, x) c = Clip(a, zero, six) m = Mul(c, x) y = Div(m, six1)",
                             "a = Add(x, three) c = Clip(a, zero, six) d = Div(c, six) y = Mul(d, x)",
                             "a = Add(x, three) c = Clip(a, zero, six) m = Mul(x, c) y = Mul(m, sixth)",
                             "h = HardSigmoid<alpha = 0.16666667, beta = 0.5>(x) y = Mul(x, h)");
  CHECK(fuse_activation(body) == Operators{"Exp", "HardSwish_0"});
}

TEST_CASE("fuse: HardSigmoid and SiLU") {
  CHECK(fuse_activation("a = Add(x, three) c = Clip(a, zero, six) y = Div(c, six)") == Operators{"Exp", "HardSigmoid_0"});
  CHECK(fuse_activation("s = Sigmoid(x) y = Mul(s, x)") == Operators{"Exp", "Swish_0"});
}

TEST_CASE("fuse: GELU by Erf, in any order") {
  const auto body = GENERATE(as<std::string>{}, "d = Div(x, root) e = Erf(d) a = Add(e, one) m = Mul(x, a) y = Mul(m, half)",
                             "h = Mul(half, x) d = Div(x, root) e = Erf(d) a = Add(one, e) y = Mul(a, h)",
                             "d = Div(x, root) e = Erf(d) a = Add(e, one) h = Mul(half, a) y = Mul(h, x)",
                             "h = Mul(x, half) d = Mul(inverse, x) e = Erf(d) a = Add(one, e) y = Mul(h, a)");
  CHECK(fuse_activation(body) == Operators{"Exp", "Gelu_0"});
}

TEST_CASE("fuse: LayerNorm, with Sub used twice or written twice") {
  const auto body = GENERATE(as<std::string>{},
                             "m = ReduceMean<axes = [-1]>(x) s = Sub(x, m) p = Pow(s, two) v = ReduceMean<axes = [-1]>(p) e = Add(v, eps) "
                             "r = Sqrt(e) d = Div(s, r) k = Mul(d, g) y = Add(k, b)",
                             "m = ReduceMean<axes = [-1]>(x) s = Sub(x, m) s2 = Sub(x, m) p = Pow(s2, two) v = ReduceMean<axes = [-1]>(p) "
                             "e = Add(eps, v) r = Sqrt(e) d = Div(s, r) k = Mul(g, d) y = Add(b, k)");
  CHECK(fuse_activation(body) == Operators{"Exp", "LayerNorm_0"});
}

TEST_CASE("fuse: exploded Softmax") {
  CHECK(fuse_activation("m = ReduceMax<axes = [-1]>(x) s = Sub(x, m) e = Exp(s) t = ReduceSum(e, last) y = Div(e, t)") ==
        Operators{"Exp", "Softmax_0"});
}

TEST_CASE("fuse: other constants are no HardSwish") {
  const auto body = GENERATE(as<std::string>{}, "a = Add(x, two) c = Clip(a, zero, six) m = Mul(x, c) y = Div(m, six)",
                             "a = Add(x, three) c = Clip(a, zero, six) m = Mul(x, c) y = Div(six, m)");
  const Operators left = fuse_activation(body);
  CHECK(std::count(left.begin(), left.end(), "HardSwish_0") == 0);
}

// --- replace_pattern -----------------------------------------------------------------------------------------------

TEST_CASE("replace_pattern: an exploded operator becomes one, with its attributes, literals and names") {
  Model model = model_of(R"(g (float[2, 3] x) => (float[2, 3] y) <float three = {3}, float zero = {0}, float six = {6}> {
    [act] a = Add(x, three)
    c = Clip(a, zero, six)
    m = Mul(x, c)
    [last] h = Div(m, six)
    y = Exp(h)
  })");
  const Values inputs = random_inputs(model, 1), before = evaluate(model, inputs);
  infer_types(model);
  const auto report = replace_pattern(model, Pattern::parse("Div(Mul(?x, Clip(Add(?x, 3), 0, 6)), 6)"),
                                      "Mul(?x, HardSigmoid(?x, @alpha=0.16666667, @beta=0.5))");
  lint(model, "replace");
  CHECK(report.changes.size() == 1);
  CHECK(operators(model) == Operators{"HardSigmoid", "Mul", "Exp"});
  CHECK(model.graph->find("h")->producer().name == "last");
  CHECK(distance(before, evaluate(model, inputs)) < 1e-6);
  replace_pattern(model, Pattern::parse("Exp(?x)"), "Pow(2.718281828, Mul(?x, 1))");
  CHECK(operators(model) == Operators{"HardSigmoid", "Mul", "Mul", "Pow"});
  CHECK(distance(before, evaluate(model, inputs)) < 1e-5);
}

TEST_CASE("replace_pattern: axes are integers, other domains by their full name") {
  Model model = model_of("g (float[2, 3] x) => (float[2, 3] y) { y = Relu(x) }");
  replace_pattern(model, Pattern::parse("Relu(?x)"), "com.microsoft.Thing(?x, @axis=1, @list=[1, 2], @mode=fast)");
  const Node& made = model.graph->find("y")->producer();
  CHECK(made.target() == "com.microsoft.Thing");
  CHECK(model.opset("com.microsoft") == 1);
  CHECK(made.attr_or("axis", 0) == 1);
  CHECK(made.attr_or("list", std::vector<int64_t>{}) == std::vector<int64_t>{1, 2});
  CHECK(made.attr_or("mode", "") == "fast");
}

TEST_CASE("replace_pattern: what cannot be built is an error") {
  Model model = model_of("g (float[2, 3] x) => (float[2, 3] y) { y = Relu(x) }");
  const Pattern relu = Pattern::parse("Relu(?x)");
  CHECK_THROWS_WITH(replace_pattern(model, relu, "?x"), ContainsSubstring("expected a call"));
  CHECK_THROWS_WITH(replace_pattern(model, relu, "Exp(?z)"), ContainsSubstring("?z is not in the pattern"));
  CHECK_THROWS_WITH(replace_pattern(model, relu, "Exp(const)"), ContainsSubstring("const"));
  CHECK_THROWS_WITH(replace_pattern(model, relu, "Exp|Neg(?x)"), ContainsSubstring("alternatives"));
  CHECK_THROWS_WITH(replace_pattern(model, relu, "Exp"), ContainsSubstring("not all given"));
}

}  // namespace
}  // namespace qtool
