#include "quantize/wrap.h"

#include <regex>
#include <unordered_set>

namespace qtool {
namespace {

using NodeTest = std::function<bool(const Node&)>;

NodeTest by_regex(const std::string& text) {
  try {
    return [pattern = std::regex(text)](const Node& node) { return std::regex_search(node.path(), pattern); };
  } catch (const std::regex_error& error) {
    throw usage_error("--wrap \"" + text + "\": not a regular expression: " + error.what());
  }
}

const Value& tensor_named(const Model& model, const std::string& name) {
  const Value* found = nullptr;
  for_each_graph(*model.graph, [&](Graph& graph) {
    if (!found) found = graph.find(name);
  });
  if (!found) throw usage_error("--wrap: the model has no tensor \"" + name + "\"");
  return *found;
}

void collect_down(const Value& from, std::unordered_set<const Node*>& seen) {
  for (const Use& use : from.uses()) {
    if (!seen.insert(use.node).second) continue;
    for (const auto& value : use.node->outputs())
      if (value) collect_down(*value, seen);
  }
}

void collect_up(const Value& to, std::unordered_set<const Node*>& seen) {
  if (!seen.insert(&to.producer()).second) return;
  for (const Value* value : to.producer().inputs())
    if (value) collect_up(*value, seen);
}

NodeTest between(const Model& model, const std::string& a, const std::string& b) {
  std::unordered_set<const Node*> down, up, both;
  collect_down(tensor_named(model, a), down);
  collect_up(tensor_named(model, b), up);
  for (const Node* node : down)
    if (up.count(node)) both.insert(node);
  return [both](const Node& node) { return both.count(&node) != 0; };
}

NodeTest parse(const Model& model, const std::string& text) {
  if (text.starts_with("re:")) return by_regex(text.substr(3));
  if (text.starts_with("name:")) return [name = text.substr(5)](const Node& node) { return node.path() == name || node.name == name; };
  if (text.starts_with("type:")) return [type = text.substr(5)](const Node& node) { return node.op == type || node.target() == type; };
  const size_t dots = text.find("..");
  if (dots != std::string::npos && dots > 0 && dots + 2 < text.size()) {
    const std::string a = text.substr(0, dots), b = text.substr(dots + 2);
    return between(model, a, b);
  }
  return by_regex(text);
}

/// Calls of the model that `test` selects, and everything inside their bodies.
void select(const Model& model, const NodeTest& test, std::unordered_set<const Node*>& selected) {
  for_each_graph(*model.graph, [&](Graph& graph) {
    const bool inside = graph.owner() && selected.count(graph.owner());
    for (const Node& node : graph.nodes())
      if (node.is_call() && (inside || test(node))) selected.insert(&node);
  });
}

}  // namespace

std::function<bool(const Node&)> allowed_outside(const Model& model, const std::vector<std::string>& expressions,
                                                 Diagnostics& diagnostics) {
  std::unordered_set<const Node*> wrapped;
  for (const std::string& expression : expressions) {
    const size_t before = wrapped.size();
    select(model, parse(model, expression), wrapped);
    if (wrapped.size() == before) diagnostics.warn("unmatched", "--wrap " + expression, "matches no node");
  }
  return [wrapped = std::move(wrapped)](const Node& node) { return !wrapped.count(&node); };
}

}  // namespace qtool
