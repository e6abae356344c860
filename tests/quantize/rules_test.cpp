// Rules of a qconfig for single tensors, for members of fused groups, and --wrap in all its forms.

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "converted.h"
#include "graph/domains.h"
#include "quantize/wrap_regions.h"

using namespace qtool;
using namespace qtool::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr const char* kGlobal = R"("global": {
  "activation": {"observer": "minmax", "dtype": "uint8", "qscheme": "per_tensor_affine"},
  "weight": {"observer": "per_channel_minmax", "dtype": "int8", "qscheme": "per_channel_symmetric"}})";

Model three_convs() {
  Model model = model_of(R"(
    g (float[1, 3, 8, 8] x, float[4, 3, 3, 3] w1, float[4, 4, 3, 3] w2, float[4, 4, 1, 1] w3) => (float[1, 4, 4, 4] y) {
      [a] p = Conv (x, w1)
      [relu] r = Relu (p)
      [b] q = Conv (r, w2)
      [c] y = Conv (q, w3)
    })",
                         13);
  add_weights(model, {"w1", "w2", "w3"});
  return model;
}

PrepareOptions with(const std::string& rules) { return x86(std::string("{") + kGlobal + ", " + rules + "}"); }

struct Prepared {
  Model model;
  PrepareOptions options;
  QuantPlan plan;
  std::vector<Diagnostic> said;
};

std::unique_ptr<Prepared> prepared(Model model, PrepareOptions options) {
  auto result = std::make_unique<Prepared>(Prepared{std::move(model), std::move(options), {}, {}});
  Diagnostics diagnostics;
  result->plan = prepare(result->model, result->options, diagnostics);
  result->said = diagnostics.all();
  return result;
}

std::string reasons(const QuantPlan& plan, const std::string& node) {
  std::string all;
  for (const std::string& reason : decision(plan, node).reasons) all += reason + "\n";
  return all;
}

const Tensor& parameter(const Model& model, const std::string& codes, size_t input) {
  return *model.graph->find(codes)->producer().in(input)->constant();
}

constexpr const char* kFixed = R"({"activation": {"observer": "fixed_qparams", "dtype": "uint8", "scale": 0.03125, "zero_point": 100}})";

}  // namespace

TEST_CASE("tensor rule: one tensor has parameters of its own, by its name or as the input of a node") {
  for (const char* name : {"q", "c:0"}) {
    CAPTURE(name);
    const Model model = converted(three_convs(), with(std::string(R"("tensor": {")") + name + "\": " + kFixed + "}"));
    CHECK(parameter(model, "q_q", 1).number_at(0) == 0.03125);
    CHECK(parameter(model, "q_q", 2).number_at(0) == 100);
    CHECK(parameter(model, "r_q", 1).number_at(0) != 0.03125);
  }
}

TEST_CASE("tensor rule: one weight with other codes, the others as before") {
  const char* rule = R"("tensor": {"b:1": {"weight": {"observer": "minmax", "dtype": "int8", "quant_min": -7, "quant_max": 7}}})";
  const Model model = converted(three_convs(), with(rule));
  auto most = [&](const char* name) {
    double found = 0;
    const Tensor& codes = *model.graph->find(name)->constant();
    for (int64_t i = 0; i < codes.size(); ++i) found = std::max(found, std::abs(codes.number_at(i)));
    return found;
  };
  CHECK(most("w2_q") == 7);
  CHECK(most("w1_q") == 127);
}

TEST_CASE("tensor rule: null leaves the tensor, its reader and a convolution that makes it float") {
  const auto made = prepared(three_convs(), with(R"("tensor": {"q": null})"));
  for (const char* node : {"b", "c"}) CHECK_THAT(reasons(made->plan, node), ContainsSubstring("tensor q float (tensor \"q\")"));
  CHECK(decision(made->plan, "a").quantized);
  const auto weight = prepared(three_convs(), with(R"("tensor": {"w2": null})"));
  CHECK_THAT(reasons(weight->plan, "b"), ContainsSubstring("tensor w2 float"));
  CHECK(decision(weight->plan, "c").quantized);
}

TEST_CASE("tensor rule: held against the backend's constraints, told where nothing has the name") {
  const auto made = prepared(three_convs(), with(R"("tensor": {"q": {"activation": {"observer": "minmax", "dtype": "int16"}},
                                                             "nobody": {"activation": null}})"));
  CHECK_THAT(reasons(made->plan, "c"), ContainsSubstring("input q: dtype"));
  CHECK(decision(made->plan, "c").breaks_constraint);
  CHECK(std::any_of(made->said.begin(), made->said.end(),
                    [](const Diagnostic& each) { return each.kind == "unmatched" && each.subject.find("tensor \"nobody\"") == 0; }));
}

TEST_CASE("object_type takes module aliases: by operator, constant inputs and the rank of the weight, in fused groups too") {
  const auto conv2d = prepared(three_convs(), with(R"("object_type": {"Conv2d": null})"));
  for (const char* node : {"a", "b", "c"}) CHECK_THAT(reasons(conv2d->plan, node), ContainsSubstring("object_type \"Conv2d\""));
  const auto conv1d = prepared(three_convs(), with(R"("object_type": {"Conv1d": null})"));
  for (const char* node : {"a", "b", "c"}) CHECK(decision(conv1d->plan, node).quantized);
  const auto alias_first = prepared(three_convs(), with(R"("object_type": {"Conv": null, "Conv2d": {}})"));
  for (const char* node : {"a", "b", "c"}) CHECK(decision(alias_first->plan, node).quantized);
  const auto group_first = prepared(three_convs(), with(R"("object_type": {"Conv2d": null, "ConvRelu": {}})"));
  CHECK(decision(group_first->plan, "a").quantized);
  CHECK(!decision(group_first->plan, "b").quantized);
}

TEST_CASE("rules that name a node which stays float whatever they say are not told to match nothing") {
  const auto unmatched = [](const Prepared& made) {
    return std::count_if(made.said.begin(), made.said.end(), [](const Diagnostic& each) { return each.kind == "unmatched"; });
  };
  Model model = model_of(R"(
    g (float[1, 3, 8, 8] x, float[4, 3, 3, 3] w) => (float[1, 4, 6, 6] y) {
      [layer] a = Conv (x, w)
      [odd] y = Sinh (a)
    })",
                         13);
  add_weights(model, {"w"});
  CHECK(unmatched(*prepared(copy(model), with(R"("module_name": {"odd": null}, "object_type": {"Sinh": null})"))) ==
        1);  // the name goes first
  CHECK(unmatched(*prepared(copy(model), with(R"("object_type": {"Sinh": null})"))) == 0);
  CHECK(unmatched(*prepared(copy(model), with(R"("module_name": {"even": null})"))) == 1);
  PrepareOptions options = x86(R"({"global": {"activation": null, "weight": {"observer": "per_channel_minmax", "dtype": "int8"}},
                                   "module_name": {"odd": null}, "object_type": {"Conv2d": null}})");
  options.mode = Mode::weight_only;
  CHECK(unmatched(*prepared(copy(model), options)) == 0);
}

TEST_CASE("object_type EmbeddingBag is a Gather that ReduceSum reads, and before Embedding") {
  Model model = model_of(R"(
    g (int64[2, 5] i, float[64, 8] w) => (float[2, 8] y, float[2, 5, 8] z) <int64[1] axes = {1}> {
      [bag] e = Gather (w, i)
      [sum] y = ReduceSum <keepdims = 0> (e, axes)
      [table] z = Gather (w, i)
    })",
                         13);
  add_weights(model, {"w"});
  const auto stored = [&](const std::string& rules) {
    PrepareOptions options =
        x86(R"({"global": {"activation": null, "weight": {"observer": "per_channel_minmax", "dtype": "int8"}}, )" + rules + "}");
    options.mode = Mode::weight_only;
    const auto made = prepared(copy(model), options);
    return std::pair{decision(made->plan, "bag").quantized, decision(made->plan, "table").quantized};
  };
  CHECK(stored(R"("object_type": {"EmbeddingBag": null})") == std::pair{false, true});
  CHECK(stored(R"("object_type": {"Embedding": null})") == std::pair{false, false});
  CHECK(stored(R"("object_type": {"EmbeddingBag": {}, "Embedding": null})") == std::pair{true, false});
}

TEST_CASE("object_type Linear is no product of two activations, Embedding no Gather from one") {
  Model model = model_of(R"(
    g (float[4, 8] x, float[8, 8] w) => (float[4, 4] y) {
      [layer] a = MatMul (x, w)
      [turned] b = Transpose (a)
      [product] y = MatMul (a, b)
    })",
                         13);
  add_weights(model, {"w"});
  const auto made = prepared(std::move(model), with(R"("object_type": {"Linear": null})"));
  CHECK_THAT(reasons(made->plan, "layer"), ContainsSubstring("object_type \"Linear\""));
  CHECK(decision(made->plan, "product").quantized);
}

TEST_CASE("a fused group has one qconfig: a conflict leaves it float and names both rules") {
  const auto made = prepared(three_convs(), with(R"("module_name": {"relu": null})"));
  CHECK_THAT(reasons(made->plan, "a"), ContainsSubstring("two qconfigs: a by global, relu by module_name \"relu\""));
  CHECK(decision(made->plan, "b").quantized);
  const auto alike = prepared(three_convs(), with(std::string(R"("module_name": {"relu": {)") + std::string(kGlobal).substr(11) + "}"));
  CHECK(decision(alike->plan, "a").quantized);
}

TEST_CASE("--wrap in every form: what is inside is neither fused nor quantized, what is outside is") {
  struct Row {
    const char* expression;
    std::string call;  ///< that stands for the region
    std::vector<std::string> wrapped;
  };
  const Row rows[] = {
      {"re:^(b|c)$", "b..c", {"b", "c"}},
      {"name:b", "b", {"b"}},
      {"type:Relu", "relu", {"relu"}},
      {"type:ai.onnx.Relu", "relu", {"relu"}},
      {"r..y", "b..c", {"b", "c"}},
      {"x..r", "a..relu", {"a", "relu"}},
      {"^b", "b", {"b"}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.expression);
    PrepareOptions options = x86();
    options.wrap = {row.expression};
    const auto made = prepared(three_convs(), options);
    CHECK(reasons(made->plan, row.call) == "it is wrapped\n");
    size_t told = 0;
    for (const NodeDecision& each : made->plan.nodes)
      told += each.call->name == row.call || std::count(row.wrapped.begin(), row.wrapped.end(), each.call->name);
    CHECK(told == 1);
    for (const char* node : {"a", "b", "c"})
      if (!std::count(row.wrapped.begin(), row.wrapped.end(), node)) CHECK(decision(made->plan, node).quantized);
    const Model model = converted(three_convs(), options);
    for (const std::string& node : row.wrapped)
      if (node != "relu") CHECK(node_named(model, node).in(1)->constant()->dtype() == DType::float32);
    CHECK(model.functions.empty());
    CHECK(model.opset(kWrappedDomain) == 0);
  }
}

TEST_CASE("a wrapped region is one opaque call of the prepared model, its nodes are as they were") {
  PrepareOptions options = x86();
  options.wrap = {"r..y"};
  const auto made = prepared(three_convs(), options);
  const std::string table = to_table(*made->model.graph);
  CAPTURE(table);
  CHECK_THAT(table, ContainsSubstring("Wrapped_0") && ContainsSubstring("(r_observed, w2, w3)"));
  CHECK(table.find("ai.onnx.Conv") == std::string::npos);  // a is in the fused group of relu, b and c are inside
  const Function* function = made->model.find_function(kWrappedDomain, "Wrapped_0");
  REQUIRE(function);
  std::vector<std::string> inside;
  for (const Node& node : function->body->nodes())
    if (node.is_call()) inside.push_back(node.name + " " + node.op);
  CHECK(inside == std::vector<std::string>{"b Conv", "c Conv"});
  const std::string told = explain_text(made->plan);
  CAPTURE(told);
  CHECK_THAT(told, ContainsSubstring("b..c") && ContainsSubstring("float because it is wrapped"));
  CHECK(told.find("  q ") == std::string::npos);  // between b and c
}

namespace {

/// Three convolutions and what lies between them: every value has a reader outside {one, sum}.
Model residual() {
  Model model = model_of(R"(
    g (float[1, 4, 8, 8] x, float[4, 4, 1, 1] w, float[4, 4, 1, 1] v) => (float[1, 4, 8, 8] y, float[1, 4, 8, 8] z) {
      [one] p = Conv (x, w)
      [act] r = Relu (p)
      [sum] s = Add (p, r)
      [more] z = Sigmoid (p)
      [last] y = Conv (s, v)
    })",
                         13);
  add_weights(model, {"w", "v"});
  return model;
}

std::vector<std::string> wrapped_calls(const Model& model) {
  std::vector<std::string> names;
  for_each_graph(*model.graph, [&](Graph& graph) {
    for (const Node& node : graph.nodes())
      if (is_wrapped_call(node)) names.push_back(node.path());
  });
  return names;
}

}  // namespace

TEST_CASE("a wrapped region that a path leaves and enters again is cut there") {
  PrepareOptions options = x86();
  options.wrap = {"re:^(one|sum)$"};
  CHECK(wrapped_calls(prepared(residual(), options)->model) == std::vector<std::string>{"one", "sum"});
  options.wrap = {"re:^(one|act|sum)$"};
  CHECK(wrapped_calls(prepared(residual(), options)->model) == std::vector<std::string>{"one..sum"});
  options.wrap = {"re:^(one|act|last)$"};
  CHECK(wrapped_calls(prepared(residual(), options)->model) == std::vector<std::string>{"one..act", "last"});
  options.wrap = {"p..y"};
  CHECK(wrapped_calls(prepared(residual(), options)->model) == std::vector<std::string>{"act..last"});
}

TEST_CASE("what reads a wrapped region from its midst comes behind it, and names outside stay") {
  PrepareOptions options = x86();
  options.wrap = {"re:^(one|act|sum|last)$"};
  const auto made = prepared(residual(), options);  // lint holds the order
  CHECK(wrapped_calls(made->model) == std::vector<std::string>{"one..last"});
  CHECK(made->model.graph->output().in(0)->name() == "y");
  const Model model = converted(residual(), options);
  CHECK(node_named(model, "more").in(0) == node_named(model, "one").out(0));
  for (const char* name : {"p", "r", "s", "y", "z"}) CHECK(model.graph->find(name));
}

TEST_CASE("--wrap of an If keeps its bodies, which are quantized without it") {
  Model model = model_of(R"(
    g (float[1, 3, 8, 8] x, bool k, float[4, 3, 3, 3] w) => (float[1, 4, 6, 6] y) {
      [pick] y = If (k) <then_branch = t () => (float[1, 4, 6, 6] p) { [one] p = Conv (x, w) },
                         else_branch = e () => (float[1, 4, 6, 6] q) { [two] q = Conv (x, w) }>
    })",
                         13);
  add_weights(model, {"w"});
  CHECK(decision(prepared(copy(model), x86())->plan, "one").quantized);
  PrepareOptions options = x86();
  options.wrap = {"type:If"};
  const auto made = prepared(copy(model), options);
  CHECK(reasons(made->plan, "pick") == "it is wrapped\n");
  const std::string table = to_table(*made->model.graph);
  CAPTURE(table);
  CHECK(table.find("then_branch") == std::string::npos);
  CHECK_THAT(table, ContainsSubstring("Wrapped_0") && ContainsSubstring("(k, x, w)"));
  CHECK(to_table(*converted(copy(model), options).graph) == to_table(*model.graph));
}

TEST_CASE("rules by name reach into the bodies of If: a prefix, a tensor") {
  Model model = model_of(R"(
    g (float[1, 3, 8, 8] x, bool k, float[4, 3, 3, 3] w) => (float[1, 4, 6, 6] y) {
      [pick] y = If (k) <then_branch = t () => (float[1, 4, 6, 6] p) { [one] p = Conv (x, w) },
                         else_branch = e () => (float[1, 4, 6, 6] q) { [two] q = Conv (x, w) }>
    })",
                         13);
  add_weights(model, {"w"});
  const auto by_prefix = prepared(copy(model), with(R"("module_name": {"pick/then_branch": null})"));
  CHECK_THAT(reasons(by_prefix->plan, "one"), ContainsSubstring("module_name \"pick/then_branch\""));
  CHECK(decision(by_prefix->plan, "two").quantized);
  const auto by_tensor = prepared(std::move(model), with(R"("tensor": {"pick/else_branch/q": null})"));
  CHECK_THAT(reasons(by_tensor->plan, "two"), ContainsSubstring("tensor pick/else_branch/q float"));
}

TEST_CASE("--wrap: mistakes are wrong usage, what matches nothing is said") {
  for (const char* expression : {"re:(", "nowhere..y"}) {
    PrepareOptions options = x86();
    options.wrap = {expression};
    Model model = three_convs();
    Diagnostics diagnostics;
    try {
      prepare(model, options, diagnostics);
      FAIL("no error");
    } catch (const Error& error) {
      CHECK(error.code() == ExitCode::usage);
    }
  }
  PrepareOptions options = x86();
  options.wrap = {"type:Softmax"};
  const auto made = prepared(three_convs(), options);
  CHECK(std::any_of(made->said.begin(), made->said.end(), [](const Diagnostic& each) { return each.subject == "--wrap type:Softmax"; }));
}

TEST_CASE("a backend's replacement: matches become it before fusion, and are then decided about like anything else") {
  Model model = model_of(R"(
    g (float[1, 3, 8, 8] x, float[4, 3, 3, 3] w, float[4, 4, 1, 1] v) => (float[1, 4, 6, 6] y) {
      [a] p = Conv (x, w)
      [left] l = Neg (p)
      [right] r = Relu (l)
      [twice] t = Neg (r)
      [last] y = Conv (t, v)
    })",
                         13);
  add_weights(model, {"w", "v"});
  PrepareOptions options = x86();
  auto json = nlohmann::ordered_json::parse(options.backend.to_json());
  const nlohmann::ordered_json row{{"pattern", "Neg(Relu(Neg(?x)))"}, {"replacement", "LeakyRelu(?x, @alpha=0.0)"}};
  json["patterns"].insert(json["patterns"].begin(), row);
  options.backend = BackendConfig::parse(json.dump(), "mine.json");
  CHECK(BackendConfig::parse(options.backend.to_json(), "again") == options.backend);
  const auto made = prepared(copy(model), options);
  CHECK(decision(made->plan, "twice").call->is("LeakyRelu"));
  CHECK(decision(made->plan, "twice").quantized);
  options.wrap = {"name:right"};
  CHECK(decision(prepared(std::move(model), options)->plan, "twice").call->is("Neg"));
}

TEST_CASE("a backend's replacement: one that cannot be built names its row") {
  PrepareOptions options = x86();
  const nlohmann::json row{{"pattern", "Relu(?x)"}, {"replacement", "Clip(?z)"}};
  options.backend = BackendConfig::parse(nlohmann::json{{"name", "b"}, {"patterns", nlohmann::json::array({row})}}.dump(), "mine.json");
  Model model = three_convs();
  Diagnostics diagnostics;
  std::string text;
  try {
    prepare(model, options, diagnostics);
  } catch (const Error& error) {
    text = error.what();
  }
  CHECK_THAT(text, ContainsSubstring("mine.json: /patterns/0") && ContainsSubstring("?z"));
}

TEST_CASE("--explain tells of every tensor: how it is quantized, or why it is float") {
  const auto made = prepared(three_convs(), with(R"("module_name": {"c": null})"));
  const std::string text = explain_text(made->plan);
  CHECK_THAT(text, ContainsSubstring("observed by minmax, uint8 per_tensor_affine (global)"));
  CHECK_THAT(text, ContainsSubstring("float because c is float: the qconfig leaves it float (module_name \"c\")"));
  const auto json = nlohmann::json::parse(explain_json(made->plan));
  std::map<std::string, std::string> decisions;
  for (const auto& tensor : json["tensors"]) decisions[tensor["tensor"]] = tensor["decision"];
  CHECK(decisions == std::map<std::string, std::string>{{"x", "observed"}, {"r", "observed"}, {"q", "observed"}, {"y", "float"}});
}
