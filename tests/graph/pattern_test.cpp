#include "graph/pattern.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "graph/model.h"
#include "tensor/tensor.h"

namespace qtool {
namespace {

using Catch::Matchers::ContainsSubstring;

/// A graph under construction: one input "x" and weights.
struct Builder {
  Graph graph;
  Value* x = graph.add_placeholder("x", {}).out(0);

  Value* weight(const std::string& name, const std::vector<float>& values = {1, 2}) {
    return graph.add_weight(name, Tensor::of<float>({static_cast<int64_t>(values.size())}, values)).out(0);
  }
  Value* scalar(const std::string& name, float value) { return graph.add_weight(name, Tensor::scalar(value)).out(0); }
  Value* call(const std::string& op, const std::vector<Value*>& inputs, const std::string& name) { return &graph.call(op, inputs, name); }
  Graph& end(Value* value) {
    graph.set_outputs_of_graph({value});
    return graph;
  }
};

std::optional<Match> match_value(const std::string& pattern, Value* root) { return match(Pattern::parse(pattern), root->producer()); }

std::vector<std::string> names(const std::vector<Value*>& values) {
  std::vector<std::string> found;
  for (const Value* value : values) found.push_back(value->name());
  return found;
}
std::vector<std::string> operators(const Match& match) {
  std::vector<std::string> found;
  for (const Node* node : match.nodes) found.push_back(node->op);
  return found;
}
using Names = std::vector<std::string>;

struct ConvBnRelu : Builder {
  Value* conv = call("Conv", {x, weight("w"), weight("b")}, "c");
  Value* bn = call("BatchNormalization", {conv, weight("s"), weight("t"), weight("m"), weight("v")}, "n");
  Value* relu = call("Relu", {bn}, "y");
};

TEST_CASE("pattern: nested calls give nodes, bindings and inputs in order") {
  ConvBnRelu g;
  g.end(g.relu);
  const auto found = match_value("Relu(BatchNormalization(Conv(?x, ?w, ?b=), ...))", g.relu);
  REQUIRE(found);
  CHECK(operators(*found) == Names{"Conv", "BatchNormalization", "Relu"});
  CHECK(names(found->inputs) == Names{"x", "w", "b", "s", "t", "m", "v"});
  CHECK(found->bindings.at("w")->name() == "w");
  CHECK(found->root == &g.relu->producer());
}

TEST_CASE("pattern: an optional input may be absent, others may not") {
  Builder g;
  Value* y = g.call("Conv", {g.x, g.weight("w")}, "y");
  g.end(y);
  CHECK(match_value("Conv(?x, ?w, ?b=)", y)->bindings.at("b") == nullptr);
  CHECK_FALSE(match_value("Conv(?x, ?w, ?b)", y));
  CHECK_FALSE(match_value("Conv(?x)", y));
  CHECK(match_value("Conv(?x, ...)", y));
  CHECK(match_value("Conv", y));
}

TEST_CASE("pattern: an omitted middle input matches only an optional") {
  Builder g;
  Value* y = g.call("Clip", {g.x, nullptr, g.scalar("hi", 6)}, "y");
  g.end(y);
  CHECK(match_value("Clip(?x, ?lo=, 6)", y));
  CHECK_FALSE(match_value("Clip(?x, ?lo, 6)", y));
  CHECK_FALSE(match_value("Clip(?x, 0, 6)", y));
}

TEST_CASE("pattern: Add and Mul match in either order, with the choice undone where it fails later") {
  Builder g;
  Value* shifted = g.call("Add", {g.scalar("three", 3), g.x}, "a");
  Value* clipped = g.call("Clip", {shifted, g.scalar("zero", 0), g.scalar("six", 6)}, "k");
  Value* product = g.call("Mul", {g.x, clipped}, "m");
  Value* y = g.call("Div", {product, g.weight("six_in_a_list", {6})}, "y");
  g.end(y);
  CHECK(match_value("Div(Mul(?x, Clip(Add(?x, 3), 0, 6)), 6)", y));
  CHECK(match_value("Div(Mul(Clip(Add(3, ?x), 0, 6), ?x), 6)", y));
  CHECK_FALSE(match_value("Div(Mul(?x, Clip(Add(?x, 2.9), 0, 6)), 6)", y));
  CHECK_FALSE(match_value("Div(6, Mul(?x, Clip(Add(?x, 3), 0, 6)))", y));
}

TEST_CASE("pattern: the order of an outer Add is revised when a name binds twice") {
  Builder g;
  Value* p = g.call("Relu", {g.x}, "p");
  Value* q = g.call("Neg", {g.x}, "q");
  Value* y = g.call("Mul", {g.call("Add", {p, q}, "s"), q}, "y");
  g.end(y);
  const auto found = match_value("Mul(Add(?a, ?b), ?a)", y);
  REQUIRE(found);
  CHECK(found->bindings.at("a") == q);
}

TEST_CASE("pattern: literals compare relative 1e-6, in any numeric type") {
  Builder g;
  const auto value = GENERATE(1.41421354f, 1.414217f);
  Value* y = g.call("Div", {g.x, g.scalar("root", value)}, "y");
  g.end(y);
  CHECK(match_value("Div(?x, 1.4142135)", y).has_value() == (value == 1.41421354f));
}

TEST_CASE("pattern: const is a weight, not an activation") {
  Builder g;
  Value* y = g.call("MatMul", {g.x, g.weight("w")}, "y");
  Value* z = g.call("MatMul", {g.x, y}, "z");
  g.end(z);
  CHECK(match_value("MatMul(?x, const ?w)", y)->bindings.at("w")->name() == "w");
  CHECK_FALSE(match_value("MatMul(?x, const)", z));
}

TEST_CASE("pattern: a weight that is a graph input is no constant") {
  Graph graph;
  Node& input = graph.add_placeholder("w", {}, true);
  input.weight->tensor = Tensor::scalar(1.f);
  Value& y = graph.call("Relu", {input.out(0)}, "y");
  graph.set_outputs_of_graph({&y});
  CHECK_FALSE(match_value("Relu(const)", &y));
}

TEST_CASE("pattern: inner values with another use, or that leave the graph, refuse") {
  ConvBnRelu g;
  SECTION("graph output") { g.graph.set_outputs_of_graph({g.relu, g.bn}); }
  SECTION("another node") { g.end(g.call("Add", {g.relu, g.bn}, "z")); }
  SECTION("a body") {
    Value* cond = g.x;
    g.end(g.relu);
    Node& branch = g.graph.add_call(NodeKind::call_function, "", "If", {cond}, {"i"});
    auto body = std::make_shared<Graph>(branch);
    body->set_outputs_of_graph({&body->call("Identity", {g.bn}, "inside")});
    branch.set_attribute("then_branch", body);
  }
  CHECK_FALSE(match_value("Relu(BatchNormalization(Conv(?x, ...), ...))", g.relu));
  CHECK(match_value("BatchNormalization(Conv(?x, ...), ...)", g.bn));
}

TEST_CASE("pattern: an inner value used twice within the match is fine") {
  Builder g;
  Value* centred = g.call("Sub", {g.x, g.call("ReduceMean", {g.x}, "mean")}, "d");
  Value* y = g.call("Div", {centred, g.call("Sqrt", {g.call("Mul", {centred, centred}, "sq")}, "r")}, "y");
  g.end(y);
  const auto found = match_value("Div(Sub(?x, ReduceMean(?x)), Sqrt(Mul(Sub(?x, ReduceMean(?x)), Sub(?x, ReduceMean(?x)))))", y);
  REQUIRE(found);
  CHECK(found->nodes.size() == 5);
  CHECK(names(found->inputs) == Names{"x"});
}

TEST_CASE("pattern: a match never crosses into a body") {
  Builder g;
  Value* conv = g.call("Conv", {g.x, g.weight("w")}, "c");
  Node& branch = g.graph.add_call(NodeKind::call_function, "", "If", {g.x}, {"i"});
  auto body = std::make_shared<Graph>(branch);
  Value& relu = body->call("Relu", {conv}, "r");
  body->set_outputs_of_graph({&relu});
  branch.set_attribute("then_branch", body);
  g.end(branch.out(0));
  CHECK_FALSE(match_value("Relu(Conv(?x, ?w))", &relu));
  CHECK(match_value("Relu(?x)", &relu)->bindings.at("x") == conv);
}

TEST_CASE("pattern: attributes") {
  Builder g;
  Value* y = g.call("Softmax", {g.x}, "y");
  y->producer().set_attribute("axis", int64_t{1});
  y->producer().set_attribute("alpha", 0.2f);
  y->producer().set_attribute("mode", std::string("linear"));
  y->producer().set_attribute("pads", std::vector<int64_t>{0, 1});
  g.end(y);
  CHECK(match_value("Softmax(?x, @axis=1)", y));
  CHECK_FALSE(match_value("Softmax(?x, @axis=2)", y));
  CHECK_FALSE(match_value("Softmax(?x, @beta=1)", y));
  CHECK(match_value("Softmax(@alpha=0.2, @mode=linear, @pads=[0, 1], ?x)", y));
  CHECK_FALSE(match_value("Softmax(?x, @mode=\"cubic\")", y));
}

TEST_CASE("pattern: alternatives of names and of expressions") {
  Builder g;
  Value* sum = g.call("Sum", {g.x, g.weight("b")}, "s");
  Value* y = g.call("Relu", {sum}, "y");
  g.end(y);
  CHECK(match_value("Relu(Add|Sum(?x, const))", y));
  CHECK_FALSE(match_value("Relu(Add|Mul(?x, const))", y));
  CHECK(match_value("Relu(Conv(?x) | Sum(?x, ?y))", y));
  CHECK(match_value("Relu(Sum | Conv(?x))", y));
}

TEST_CASE("pattern: an alternative taken first is given up when its inner value is used elsewhere") {
  Builder g;
  Value* product = g.call("MatMul", {g.x, g.weight("w")}, "p");
  Value* y = g.call("Add", {product, g.weight("b")}, "y");
  g.end(g.call("Mul", {y, product}, "z"));
  const auto found = match_value("Add(MatMul(?x, const), const) | Add(?y, const)", y);
  REQUIRE(found);
  CHECK(operators(*found) == Names{"Add"});
}

const ModuleAliases kAliases{{"Linear", {"Gemm(?x, const ?w, ?b=)", "Add(MatMul(?x, const ?w), const ?b)", "MatMul(?x, const ?w)"}}};

TEST_CASE("pattern: module aliases, bare or with dots, keep their names apart") {
  Builder g;
  Value* first = g.call("Gemm", {g.x, g.weight("w1")}, "f");
  Value* product = g.call("MatMul", {first, g.weight("w2")}, "p");
  Value* y = g.call("Add", {product, g.weight("b2")}, "y");
  g.end(y);
  const auto found = match(Pattern::parse("Linear(...)", kAliases), y->producer());
  REQUIRE(found);
  CHECK(operators(*found) == Names{"MatMul", "Add"});
  CHECK(match(Pattern::parse("Linear", kAliases), first->producer()));
  CHECK(match(Pattern::parse("Add(Linear, Linear | const)", kAliases), y->producer()));
}

TEST_CASE("pattern: a list of operators is a chain") {
  ConvBnRelu g;
  g.end(g.relu);
  const std::string text = Pattern::chain({"Conv", "BatchNormalization", "Relu"});
  CHECK(text == "Relu(BatchNormalization(Conv, ...), ...)");
  CHECK(match_value(text, g.relu));
  CHECK_FALSE(match_value(Pattern::chain({"Conv", "Relu"}), g.relu));
}

TEST_CASE("pattern: other domains by their full name, local functions by theirs") {
  Builder g;
  Node& gelu = g.graph.add_call(NodeKind::call_function, "com.microsoft", "Gelu", {g.x}, {"g"});
  Node& module = g.graph.add_call(NodeKind::call_module, "mine", "Block", {gelu.out(0)}, {"y"});
  g.end(module.out(0));
  CHECK(match(Pattern::parse("com.microsoft.Gelu(?x)"), gelu));
  CHECK_FALSE(match(Pattern::parse("Gelu(?x)"), gelu));
  CHECK(match(Pattern::parse("Block(com.microsoft.Gelu(?x))"), module));
}

TEST_CASE("pattern: mistakes name the column and what was expected") {
  struct Case {
    const char *text, *column, *expected;
  };
  const Case bad = GENERATE(Case{"Relu(Conv(?x, ?w)", "column 18", "\")\""}, Case{"", "column 1", "an operator"},
                            Case{"Relu(?)", "column 7", "a name after"}, Case{"Relu(?x) Conv", "column 10", "the end of the pattern"},
                            Case{"Softmax(?x, @axis)", "column 18", "\"=\""}, Case{"Conv(..., ?x)", "column 11", "no input after"},
                            Case{"Add|(?x)", "column 5", "an operator after"}, Case{"Add(?x, #)", "column 9", "an operator, ?name"});
  CAPTURE(bad.text);
  CHECK_THROWS_WITH(Pattern::parse(bad.text), ContainsSubstring(bad.column) && ContainsSubstring(bad.expected));
}

TEST_CASE("pattern: absurd patterns are refused, absurd searches end") {
  std::string deep = "?x";
  for (int i = 0; i < 100; ++i) deep = "Relu(" + deep + ")";
  CHECK_THROWS_WITH(Pattern::parse(deep), ContainsSubstring("fewer nested calls"));
  CHECK_THROWS_WITH(Pattern::parse(std::string(5000, 'R')), ContainsSubstring("4096"));
  Builder g;
  Value* y = g.x;
  std::string wide = "?z";
  for (int i = 0; i < 40; ++i) {
    y = g.call("Add", {y, y}, "y" + std::to_string(i));
    wide = "Add(" + wide + ", ?v" + std::to_string(i) + ")";
  }
  g.end(y);
  CHECK_FALSE(match_value("Relu(" + wide + ")", y));
  CHECK_FALSE(match_value("Add(?a, " + wide + ")", g.call("Add", {y, g.x}, "last")));
}

}  // namespace
}  // namespace qtool
