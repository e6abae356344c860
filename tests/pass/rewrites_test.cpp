// Every rewrite of weights: the numbers stay, the nodes go, and what cannot be done is refused with its reason.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "evaluate.h"
#include "ops/op_def.h"
#include "pass/fuse.h"
#include "pass/rewrites/rewrite.h"
#include "support/models.h"

namespace qtool {
namespace {

using Catch::Matchers::ContainsSubstring;
using Operators = std::vector<std::string>;
using namespace testing;

const auto kAll = [](const Node&) { return true; };

FusionRule rule(const std::string& pattern, const std::string& method, const std::string& module = "") {
  return {Pattern::parse(pattern), module, method, "", 0};
}

const char* const kFoldBn = "BatchNormalization(Conv(?x, ?w, ?b=), ...)";

/// `v` is a variance: made positive after the random fill.
void make_positive(Model& model, const std::string& name) {
  Value* value = model.graph->find(name);
  if (!value || !value->constant()) return;
  Tensor& tensor = value->producer().weight->tensor;
  for (float& number : tensor.mutable_data<float>()) number = std::abs(number) + 0.5f;
}

Model build(const std::string& text, const std::vector<std::string>& weights, unsigned seed) {
  Model model = model_of(text);
  add_weights(model, weights, seed);
  for (const char* name : {"v", "v2"}) make_positive(model, name);
  infer_types(model);
  return model;
}

PassReport run_fuse(Model& model, const std::vector<FusionRule>& rules) {
  return run_pass(model, "fuse", [&](Model& m) { return fuse(m, rules, kAll); });
}

/// Rewrites, checks that outputs and their names stay, and returns the operators left.
Operators rewritten(const std::string& text, const std::vector<std::string>& weights, const std::vector<FusionRule>& rules,
                    double bound = 3e-6) {
  Operators left;
  for (unsigned seed = 1; seed <= 3; ++seed) {
    Model model = build(text, weights, seed);
    const Values inputs = random_inputs(model, seed);
    const Values before = evaluate(model, inputs);
    const PassReport report = run_fuse(model, rules);
    for (const auto& skip : report.skips) UNSCOPED_INFO(skip.node << ": " << skip.reason);
    CHECK(distance(before, evaluate(model, inputs)) < bound);
    left = operators(model);
  }
  return left;
}

std::string refusal(const std::string& text, const std::vector<std::string>& weights, const std::vector<FusionRule>& rules) {
  Model model = build(text, weights, 1);
  const Operators before = operators(model);
  const PassReport report = run_fuse(model, rules);
  CHECK(operators(model) == before);
  CHECK(report.changes.empty());
  REQUIRE(report.skips.size() == 1);
  return report.skips[0].reason;
}

// --- fold_bn -------------------------------------------------------------------------------------------------------

TEST_CASE("fold_bn: into Conv, with and without bias, groups, any rank") {
  const auto body = GENERATE(as<std::string>{}, "float[N, 4, 5, 5] x, float[6, 4, 3, 3] w) => (float[N, 6, 3, 3] y) { c = Conv(x, w)",
                             "float[N, 4, 5, 5] x, float[6, 4, 3, 3] w, float[6] b) => (float[N, 6, 3, 3] y) { c = Conv(x, w, b)",
                             "float[N, 4, 5, 5] x, float[6, 2, 3, 3] w) => (float[N, 6, 3, 3] y) { c = Conv<group = 2>(x, w)",
                             "float[N, 4, 5] x, float[6, 4, 3] w) => (float[N, 6, 3] y) { c = Conv(x, w)");
  const std::string text =
      "g (float[6] s, float[6] t, float[6] m, float[6] v, " + body + " y = BatchNormalization<epsilon = 0.1>(c, s, t, m, v) }";
  const bool biased = text.find("float[6] b") != std::string::npos;
  std::vector<std::string> weights{"w", "s", "t", "m", "v"};
  if (biased) weights.push_back("b");
  CHECK(rewritten(text, weights, {rule(kFoldBn, "fold_bn")}) == Operators{"Conv"});
}

TEST_CASE("fold_bn: into ConvTranspose with groups") {
  const std::string text =
      R"(g (float[N, 4, 5, 5] x, float[4, 3, 2, 2] w, float[6] b, float[6] s, float[6] t, float[6] m, float[6] v) => (float[N, 6, 10, 10] y) {
    c = ConvTranspose<group = 2, strides = [2, 2]>(x, w, b)
    y = BatchNormalization(c, s, t, m, v)
  })";
  const auto left =
      rewritten(text, {"w", "b", "s", "t", "m", "v"}, {rule("BatchNormalization(ConvTranspose(?x, ?w, ?b=), ...)", "fold_bn")});
  CHECK(left == Operators{"ConvTranspose"});
}

TEST_CASE("fold_bn: an Add of a constant between folds with it") {
  const std::string text =
      R"(g (float[N, 4, 5, 5] x, float[6, 4, 3, 3] w, float[1, 6, 1, 1] b, float[6] s, float[6] t, float[6] m, float[6] v) => (float[N, 6, 3, 3] y) {
    c = Conv(x, w)
    d = Add(b, c)
    y = BatchNormalization(d, s, t, m, v)
  })";
  const auto left = rewritten(text, {"w", "b", "s", "t", "m", "v"}, {rule("BatchNormalization(Add(Conv(?x, ?w), const), ...)", "fold_bn")});
  CHECK(left == Operators{"Conv"});
}

TEST_CASE("fold_bn: into Gemm and MatMul") {
  const std::string parameters = "float[6] s, float[6] t, float[6] m, float[6] v) => (float[N, 6] y) { ";
  const std::string bn = " y = BatchNormalization(c, s, t, m, v) }";
  const std::vector<std::string> weights{"w", "s", "t", "m", "v"};
  CHECK(rewritten("g (float[N, 4] x, float[4, 6] w, " + parameters + "c = Gemm<alpha = 0.5>(x, w)" + bn, weights,
                  {rule("BatchNormalization(Gemm(?x, ?w), ...)", "fold_bn")}) == Operators{"Gemm"});
  CHECK(rewritten("g (float[N, 4] x, float[6, 4] w, float[6] b, " + parameters + "c = Gemm<transB = 1, beta = 2.0>(x, w, b)" + bn,
                  {"w", "b", "s", "t", "m", "v"}, {rule("BatchNormalization(Gemm(...), ...)", "fold_bn")}) == Operators{"Gemm"});
  CHECK(rewritten("g (float[N, 4] x, float[4, 6] w, " + parameters + "c = MatMul(x, w)" + bn, weights,
                  {rule("BatchNormalization(MatMul(?x, ?w), ...)", "fold_bn")}) == Operators{"MatMul", "Add"});
  CHECK(rewritten("g (float[N, 4] x, float[4, 6] w, float[6] b, " + parameters + "p = MatMul(x, w) c = Add(p, b)" + bn,
                  {"w", "b", "s", "t", "m", "v"},
                  {rule("BatchNormalization(Add(MatMul(?x, ?w), ?b), ...)", "fold_bn")}) == Operators{"MatMul", "Add"});
}

TEST_CASE("fold_bn: a shared weight is copied for this use") {
  const std::string text =
      R"(g (float[N, 4, 5, 5] x, float[6, 4, 3, 3] w, float[6] b, float[6] s, float[6] t, float[6] m, float[6] v) => (float[N, 6, 3, 3] y, float[N, 6, 3, 3] z) {
    c = Conv(x, w, b)
    y = BatchNormalization(c, s, t, m, v)
    z = Conv(x, w, b)
  })";
  CHECK(rewritten(text, {"w", "b", "s", "t", "m", "v"}, {rule(kFoldBn, "fold_bn")}) == Operators{"Conv", "Conv"});
}

TEST_CASE("fold_bn: two Convs sharing everything fold each") {
  const std::string text =
      R"(g (float[N, 4, 5, 5] x, float[6, 4, 3, 3] w, float[6] b, float[6] s, float[6] t, float[6] m, float[6] v) => (float[N, 6, 3, 3] y, float[N, 6, 3, 3] z) {
    c = Conv(x, w, b)
    y = BatchNormalization(c, s, t, m, v)
    d = Conv(x, w, b)
    z = BatchNormalization<epsilon = 0.2>(d, s, t, m, v)
  })";
  CHECK(rewritten(text, {"w", "b", "s", "t", "m", "v"}, {rule(kFoldBn, "fold_bn")}) == Operators{"Conv", "Conv"});
}

TEST_CASE("fold_bn: the Conv takes the name of the value it stands for now") {
  Model model =
      build(R"(g (float[N, 1, 3, 3] x, float[2, 1, 1, 1] w, float[2] s, float[2] t, float[2] m, float[2] v) => (float[N, 2, 3, 3] y) {
    [conv1] c = Conv(x, w)
    [bn1] n = BatchNormalization(c, s, t, m, v)
    y = Relu(n)
  })",
            {"w", "s", "t", "m", "v"}, 1);
  run_fuse(model, {rule(kFoldBn, "fold_bn")});
  const Value* n = model.graph->find("n");
  REQUIRE(n);
  CHECK(n->producer().name == "conv1");
  CHECK(n->producer().in(1)->name() == "w");
  CHECK_FALSE(model.graph->find("c"));
}

TEST_CASE("fold_bn: refusals") {
  const auto model = [](const std::string& conv, const std::string& bn, const std::string& outputs = "float[N, 2, 3, 3] y") {
    return "g (float[N, 1, 3, 3] x, float[2, 1, 1, 1] w, float[2] b, float[2] s, float[2] t, float[2] m, float[2] v) => (" + outputs +
           ") { c = " + conv + " " + bn + " }";
  };
  const std::string bn = "y = BatchNormalization(c, s, t, m, v)";
  const auto rules = std::vector{rule(kFoldBn, "fold_bn")};
  CHECK_THAT(refusal(model("Conv(x, w)", bn), {"s", "t", "m", "v"}, rules), ContainsSubstring("weight \"w\" is not constant"));
  CHECK_THAT(refusal(model("Conv(x, w, b)", bn), {"w", "s", "t", "m", "v"}, rules), ContainsSubstring("bias \"b\" is not constant"));
  CHECK_THAT(refusal(model("Conv(x, w)", bn), {"w", "s", "m", "v"}, rules),
             ContainsSubstring("parameter of BatchNormalization is not constant"));
  CHECK_THAT(
      refusal(model("Conv(x, w)", "y, u, r = BatchNormalization<training_mode = 1>(c, s, t, m, v)"), {"w", "s", "t", "m", "v"}, rules),
      ContainsSubstring("training"));
}

TEST_CASE("fold_bn: a variance that gives no finite factor is refused") {
  Model model =
      build(R"(g (float[N, 1, 3, 3] x, float[2, 1, 1, 1] w, float[2] s, float[2] t, float[2] m, float[2] v) => (float[N, 2, 3, 3] y) {
    c = Conv(x, w)
    y = BatchNormalization(c, s, t, m, v)
  })",
            {"w", "s", "t", "m", "v"}, 1);
  model.graph->find("v")->producer().weight->tensor = Tensor::of<float>({2}, {1, -1});
  const PassReport report = run_fuse(model, {rule(kFoldBn, "fold_bn")});
  REQUIRE(report.skips.size() == 1);
  CHECK_THAT(report.skips[0].reason, ContainsSubstring("not finite"));
  CHECK(count(model, "BatchNormalization") == 1);
}

TEST_CASE("fold_bn: a Conv whose raw output is public, or used elsewhere, keeps its BatchNormalization") {
  Model model = build(
      R"(g (float[N, 1, 3, 3] x, float[2, 1, 1, 1] w, float[2] s, float[2] t, float[2] m, float[2] v) => (float[N, 2, 3, 3] y, float[N, 2, 3, 3] c) {
    c = Conv(x, w)
    y = BatchNormalization(c, s, t, m, v)
  })",
      {"w", "s", "t", "m", "v"}, 1);
  CHECK(run_fuse(model, {rule(kFoldBn, "fold_bn")}).changes.empty());
}

// --- fold_mul, fold_add --------------------------------------------------------------------------------------------

TEST_CASE("fold_mul and fold_add: into Conv, whatever the shape of the constant") {
  const auto constant = GENERATE(as<std::string>{}, "float[1, 6, 1, 1]", "float[6, 1, 1]", "float[1]", "float");
  const auto op = GENERATE(as<std::string>{}, "Mul(c, k)", "Mul(k, c)", "Div(c, k)", "Add(c, k)", "Sub(c, k)", "Sub(k, c)");
  const auto bias = GENERATE(as<std::string>{}, "", ", b");
  const std::string text = "g (float[N, 4, 5, 5] x, float[6, 4, 3, 3] w, float[6] b, " + constant +
                           " k) => (float[N, 6, 3, 3] y) { c = Conv(x, w" + bias + ") y = " + op + " }";
  CAPTURE(text);
  const auto rules =
      std::vector{rule("Mul(Conv(...), const)", "fold_mul"), rule("Div(Conv(...), const)", "fold_mul"),
                  rule("Add(Conv(...), const)", "fold_add"), rule("Sub(Conv(...), const) | Sub(const, Conv(...))", "fold_add")};
  CHECK(rewritten(text, {"w", "b", "k"}, rules, 3e-5) == Operators{"Conv"});
}

TEST_CASE("fold_mul, fold_add: chains collapse, BatchNormalization takes part") {
  const std::string text =
      R"(g (float[N, 4, 5, 5] x, float[6, 4, 3, 3] w, float[6] s, float[6] t, float[6] m, float[6] v, float[6, 1, 1] k, float[1, 6, 1, 1] a) => (float[N, 6, 3, 3] y) {
    c = Conv(x, w)
    n = BatchNormalization(c, s, t, m, v)
    p = Mul(n, k)
    q = Add(p, a)
    y = Relu(q)
  })";
  const auto rules =
      std::vector{rule("Mul(Conv|BatchNormalization(...), const)", "fold_mul"),
                  rule("Add(Conv|BatchNormalization(...), const)", "fold_add"), rule("BatchNormalization(Conv(...), ...)", "fold_bn")};
  CHECK(rewritten(text, {"w", "s", "t", "m", "v", "k", "a"}, rules) == Operators{"Conv", "Relu"});
}

TEST_CASE("fold_mul, fold_add: into a BatchNormalization that has nothing in front") {
  const std::string text =
      R"(g (float[N, 6, 3, 3] x, float[6] s, float[6] t, float[6] m, float[6] v, float[6, 1, 1] k, float[1, 6, 1, 1] a) => (float[N, 6, 3, 3] y) {
    n = BatchNormalization(x, s, t, m, v)
    p = Mul(n, k)
    q = Add(p, a)
    y = Relu(q)
  })";
  const auto rules =
      std::vector{rule("Mul(BatchNormalization(...), const)", "fold_mul"), rule("Add(BatchNormalization(...), const)", "fold_add")};
  CHECK(rewritten(text, {"s", "t", "m", "v", "k", "a"}, rules) == Operators{"BatchNormalization", "Relu"});
}

TEST_CASE("fold_mul: a constant that varies over space, or widens the tensor, is refused") {
  const auto constant = GENERATE(as<std::string>{}, "float[3]", "float[1, 1, 3, 1]", "float[1, 1, 1, 1, 1]");
  const std::string text =
      "g (float[N, 1, 3, 3] x, float[1, 1, 1, 1] w, " + constant + " k) => (float[N, 1, 3, 3] y) { c = Conv(x, w) y = Mul(c, k) }";
  CHECK_THAT(refusal(text, {"w", "k"}, {rule("Mul(Conv(...), const)", "fold_mul")}),
             ContainsSubstring("not one value a channel") || ContainsSubstring("more dimensions"));
}

TEST_CASE("fold_mul: into MatMul + Add and Gemm") {
  const std::string matmul =
      "g (float[N, 3, 4] x, float[4, 6] w, float[6] b, float[6] k) => (float[N, 3, 6] y) { p = MatMul(x, w) c = Add(b, p) y = Mul(c, k) }";
  CHECK(rewritten(matmul, {"w", "b", "k"}, {rule("Mul(Add(MatMul(?x, const), const), const)", "fold_mul")}) == Operators{"MatMul", "Add"});
  const std::string gemm =
      "g (float[N, 4] x, float[4, 6] w, float[6] b, float k) => (float[N, 6] y) { c = Gemm<beta = 0.5>(x, w, b) y = Div(c, k) }";
  CHECK(rewritten(gemm, {"w", "b", "k"}, {rule("Div(Gemm(...), const)", "fold_mul")}, 3e-5) == Operators{"Gemm"});
}

TEST_CASE("fold_mul: 1/sqrt(d) of attention passes Reshape, Transpose and the product with the keys") {
  const std::string text = R"(g (float[N, 3, 4] x, float[N, 2, 2, 3] keys, float[4, 4] w, float[4] b) => (float[N, 2, 3, 3] y)
    <int64[4] shape = {0, 0, 2, 2}, float d = {1.4142135}> {
    p = MatMul(x, w)
    c = Add(p, b)
    r = Reshape(c, shape)
    q = Transpose<perm = [0, 2, 1, 3]>(r)
    s = MatMul(q, keys)
    y = Div(s, d)
  })";
  const char* pattern = "Div(MatMul(Transpose(Reshape(Add(MatMul(?x, const), const), ?s)), ?k), const)";
  CHECK(rewritten(text, {"w", "b"}, {rule(pattern, "fold_mul")}) == Operators{"MatMul", "Add", "Reshape", "Transpose", "MatMul"});
}

TEST_CASE("fold_mul: only a plain factor passes operators that move elements") {
  const std::string text = R"(g (float[N, 3, 4] x, float[4, 4] w, float[4] k) => (float[N, 3, 4] y) {
    c = MatMul(x, w)
    r = Transpose<perm = [0, 1, 2]>(c)
    y = Mul(r, k)
  })";
  CHECK_THAT(refusal(text, {"w", "k"}, {rule("Mul(Transpose(MatMul(?x, const)), const)", "fold_mul")}), !ContainsSubstring("no linear"));
}

TEST_CASE("fold_add: MatMul + Add stays, without complaint") {
  Model model = build("g (float[N, 4] x, float[4, 6] w, float[6] b) => (float[N, 6] y) { p = MatMul(x, w) y = Add(p, b) }", {"w", "b"}, 1);
  const PassReport report = run_fuse(model, {rule("Add(MatMul(?x, const), const)", "fold_add")});
  CHECK(report.changes.empty());
  CHECK(report.skips.empty());
}

// --- fold_bn_forward -----------------------------------------------------------------------------------------------

TEST_CASE("fold_bn_forward: into an unpadded Conv, with groups") {
  const auto conv = GENERATE(
      as<std::string>{}, "float[6, 4, 3, 3] w) => (float[N, 6, 3, 3] y) { n = BatchNormalization(x, s, t, m, v) y = Conv(n, w) }",
      "float[6, 2, 3, 3] w) => (float[N, 6, 3, 3] y) { n = BatchNormalization(x, s, t, m, v) y = Conv<group = 2>(n, w) }",
      "float[6, 4, 1, 1] w) => (float[N, 6, 5, 5] y) { n = BatchNormalization(x, s, t, m, v) y = Conv<auto_pad = \"SAME_UPPER\">(n, w) }");
  const std::string text = "g (float[N, 4, 5, 5] x, float[4] s, float[4] t, float[4] m, float[4] v, " + conv;
  CHECK(rewritten(text, {"w", "s", "t", "m", "v"}, {rule("Conv(BatchNormalization(...), const, ?b=)", "fold_bn_forward")}, 1e-5) ==
        Operators{"Conv"});
}

TEST_CASE("fold_bn_forward: Mul and Add in front of Conv, Gemm and MatMul") {
  const std::string conv =
      "g (float[N, 4, 5, 5] x, float[6, 4, 1, 1] w, float[6] b, float[1] k, float[1] a) => (float[N, 6, 5, 5] y) { p = Mul(k, x) q = "
      "Add(p, a) y = Conv(q, w, b) }";
  const auto rules = std::vector{rule("Conv|Gemm|MatMul(Mul|Add(?x, const), ...)", "fold_bn_forward")};
  CHECK(rewritten(conv, {"w", "b", "k", "a"}, rules) == Operators{"Conv"});
  const std::string gemm =
      "g (float[N, 4] x, float[6, 4] w, float[6] b, float[4] k, float[4] a) => (float[N, 6] y) { p = Mul(k, x) q = Add(p, a) y = "
      "Gemm<transB = 1>(q, w, b) }";
  CHECK(rewritten(gemm, {"w", "b", "k", "a"}, rules) == Operators{"Gemm"});
  const std::string matmul =
      "g (float[N, 3, 4] x, float[4, 6] w, float[4] k, float[4] a) => (float[N, 3, 6] y) { p = Mul(k, x) q = Add(p, a) r = MatMul(q, w) y "
      "= Relu(r) }";
  CHECK(rewritten(matmul, {"w", "k", "a"}, rules) == Operators{"MatMul", "Add", "Relu"});
}

TEST_CASE("fold_bn_forward: with padding a scale folds, a shift does not") {
  const auto rules = std::vector{rule("Conv(Mul|Add(?x, const), ...)", "fold_bn_forward")};
  const auto model = [](const std::string& op) {
    return "g (float[N, 4, 5, 5] x, float[6, 4, 3, 3] w, float[1, 4, 1, 1] k) => (float[N, 6, 5, 5] y) { p = " + op +
           "(x, k) y = Conv<pads = [1, 1, 1, 1]>(p, w) }";
  };
  CHECK(rewritten(model("Mul"), {"w", "k"}, rules) == Operators{"Conv"});
  CHECK_THAT(refusal(model("Add"), {"w", "k"}, rules), ContainsSubstring("cannot pass the padding"));
}

// --- the others ----------------------------------------------------------------------------------------------------

TEST_CASE("fold_pad: into Conv and AveragePool") {
  const auto pad = GENERATE(as<std::string>{}, "Pad(x, pads)", "Pad(x, pads, zero)", "Pad(x, short, zero, axes)");
  const auto window =
      GENERATE(as<std::string>{}, "Conv<pads = [0, 1, 0, 1]>(p, w)", "AveragePool<kernel_shape = [3, 3], auto_pad = \"VALID\">(p)",
               "AveragePool<kernel_shape = [3, 3], pads = [1, 1, 1, 1], count_include_pad = 1>(p)");
  const std::string text =
      "<ir_version: 8, opset_import: [\"\" : 18]> g (float[N, 2, 5, 5] x, float[2, 2, 3, 3] w) => (float[N, 2, H, W] y) <int64[8] pads = "
      "{0, 0, 1, 2, 0, 0, 0, 1}, "
      "int64[4] short = {1, 2, 0, 1}, int64[2] axes = {2, -1}, float zero = {0}> { p = " +
      pad + " y = " + window + " }";
  CAPTURE(text);
  CHECK(rewritten(text, {"w"}, {rule("Conv|AveragePool(Pad(...), ...)", "fold_pad")}).size() == 1);
}

TEST_CASE("fold_pad: refusals") {
  const auto model = [](const std::string& pads, const std::string& value, const std::string& mode, const std::string& window) {
    return "g (float[N, 2, 5, 5] x, float[2, 2, 3, 3] w) => (float[N, C, H, W] y) <int64[8] pads = {" + pads + "}, float value = {" +
           value + "}> { p = Pad<mode = \"" + mode + "\">(x, pads, value) y = " + window + " }";
  };
  const auto rules = std::vector{rule("Conv|AveragePool|MaxPool(Pad(...), ...)", "fold_pad")};
  const std::string spatial = "0, 0, 1, 1, 0, 0, 1, 1", conv = "Conv(p, w)";
  CHECK_THAT(refusal(model(spatial, "1", "constant", conv), {"w"}, rules), ContainsSubstring("other than 0"));
  CHECK_THAT(refusal(model(spatial, "0", "reflect", conv), {"w"}, rules), ContainsSubstring("mode"));
  CHECK_THAT(refusal(model("0, 0, -1, 1, 0, 0, 1, 1", "0", "constant", conv), {"w"}, rules), ContainsSubstring("crops"));
  CHECK_THAT(refusal(model("1, 0, 0, 0, 0, 0, 0, 0", "0", "constant", conv), {"w"}, rules), ContainsSubstring("other axes"));
  CHECK_THAT(refusal(model(spatial, "0", "constant", "Conv<auto_pad = \"SAME_UPPER\">(p, w)"), {"w"}, rules),
             ContainsSubstring("auto_pad"));
  CHECK_THAT(refusal(model(spatial, "0", "constant", "MaxPool<kernel_shape = [2, 2]>(p)"), {"w"}, rules), ContainsSubstring("-inf"));
  CHECK_THAT(refusal(model(spatial, "0", "constant", "AveragePool<kernel_shape = [2, 2], pads = [1, 1, 1, 1]>(p)"), {"w"}, rules),
             ContainsSubstring("not its own"));
}

TEST_CASE("fold_alpha: Gemm's factors go into its constants; a plain Gemm is left in silence") {
  const std::string text = "g (float[N, 4] x, float[4, 6] w, float[6] b) => (float[N, 6] y) { y = Gemm<alpha = 0.3, beta = 0.7>(x, w, b) }";
  CHECK(rewritten(text, {"w", "b"}, {rule("Gemm", "fold_alpha")}) == Operators{"Gemm"});
  Model model = build(text, {"w", "b"}, 1);
  CHECK(run_fuse(model, {rule("Gemm", "fold_alpha")}).changes.size() == 1);
  CHECK_FALSE(model.graph->find("y")->producer().attribute("alpha"));
  const PassReport again = run_fuse(model, {rule("Gemm", "fold_alpha")});
  CHECK((again.changes.empty() && again.skips.empty()));
}

TEST_CASE("bn_to_conv, div_to_mul, sub_to_add") {
  const std::string bn =
      "g (float[N, 4, 5, 5] x, float[4] s, float[4] t, float[4] m, float[4] v) => (float[N, 4, 5, 5] y) { y = BatchNormalization(x, s, t, "
      "m, v) }";
  CHECK(rewritten(bn, {"s", "t", "m", "v"}, {rule("BatchNormalization(?x, ...)", "bn_to_conv")}) == Operators{"Conv"});
  const std::string div = "g (float[N, 4] x, float[4] k) => (float[N, 4] y) { y = Div(x, k) }";
  CHECK(rewritten(div, {"k"}, {rule("Div(?x, const)", "div_to_mul")}) == Operators{"Mul"});
  const std::string sub = "g (float[N, 4] x, float[4] k) => (float[N, 4] y) { y = Sub(x, k) }";
  CHECK(rewritten(sub, {"k"}, {rule("Sub(?x, const)", "sub_to_add")}) == Operators{"Add"});
}

TEST_CASE("every row of rewrites.inc is found by its name; unknown names are an error") {
  for (const auto name : rewrite_names()) CHECK(find_rewrite(name)->name == name);
  Model model = build("g (float[N, 4] x) => (float[N, 4] y) { y = Relu(x) }", {}, 1);
  CHECK_THROWS_WITH(fuse(model, {rule("Tanh", "fold_everything")}, kAll), ContainsSubstring("fold_everything"));
}

TEST_CASE("rewrites: weights that are graph inputs are no constants") {
  Model model = build("g (float[N, 4] x, float[4, 6] w, float[6] k) => (float[N, 6] y) { c = Gemm(x, w) y = Mul(c, k) }", {"k"}, 1);
  model.graph->find("w")->producer().weight = SealedTensor{Tensor::zeros(DType::float32, {4, 6}), nullptr, TensorStorage::raw};
  const PassReport report = run_fuse(model, {rule("Mul(Gemm(...), const)", "fold_mul")});
  CHECK(report.changes.empty());
  REQUIRE(report.skips.size() == 1);
  CHECK_THAT(report.skips[0].reason, ContainsSubstring("not constant"));
}

TEST_CASE("rewrites: inside the branches of If, with weights of the outer graph") {
  const std::string text =
      R"(g (float[N, 4, 5, 5] x, bool c, float[6, 4, 3, 3] w, float[6] s, float[6] t, float[6] m, float[6] v) => (float[N, 6, 3, 3] y) {
    y = If(c) <
      then_branch = a () => (float[N, 6, 3, 3] p) { e = Conv(x, w) p = BatchNormalization(e, s, t, m, v) },
      else_branch = b () => (float[N, 6, 3, 3] q) { f = Conv(x, w) q = BatchNormalization<epsilon = 0.3>(f, s, t, m, v) }>
  })";
  CHECK(rewritten(text, {"w", "s", "t", "m", "v"}, {rule(kFoldBn, "fold_bn")}) == Operators{"If", "Conv", "Conv"});
}

}  // namespace
}  // namespace qtool
