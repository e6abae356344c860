#include "quantize/module_types.h"

#include <algorithm>

#include "config/modules.h"
#include "graph/graph.h"
#include "graph/pattern.h"
#include "graph/pattern_node.h"

namespace qtool {
namespace {

struct Form {
  const Module* module;
  Pattern pattern;
};

bool is_one_operator(const PatternNode& node) {
  const auto is_value = [](const PatternNodePtr& arg) {
    return arg->kind != PatternNode::Kind::call && arg->kind != PatternNode::Kind::choice;
  };
  return node.kind == PatternNode::Kind::call && std::ranges::all_of(node.args, is_value);
}

std::vector<Form> parsed_forms(bool one_operator) {
  std::vector<Form> made;
  for (const Module& module : modules())
    for (const std::string& expression : module.patterns)
      if (Pattern pattern = Pattern::parse(expression); is_one_operator(pattern.root()) == one_operator)
        made.push_back({&module, std::move(pattern)});
  return made;
}

/// "EmbeddingBag" for a Gather: the pattern ends in what alone reads the operator.
bool is_inside(Node& root, const Pattern& pattern) {
  const Value* made = root.out(0);
  if (!made || made->uses().size() != 1 || !made->uses()[0].node->is_call()) return false;
  const auto found = match(pattern, *made->uses()[0].node);
  return found && std::ranges::find(found->nodes, &root) != found->nodes.end();
}

/// The constant that input i of `root` reads, seen through the group's border.
const Tensor* constant_at(const Node& call, const Node& root, size_t i) {
  const Value* value = root.in(i);
  if (!value || &call == &root) return value ? value->constant() : nullptr;
  const std::vector<Node*> placeholders = root.graph().placeholders();
  const auto at = std::find(placeholders.begin(), placeholders.end(), &value->producer());
  const Value* outside = at == placeholders.end() ? nullptr : call.in(static_cast<size_t>(at - placeholders.begin()));
  return outside ? outside->constant() : nullptr;
}

bool has_form(const Node& call, const Node& root, const PatternNode& pattern) {
  if (!root.domain.empty() || std::ranges::find(pattern.operators, root.op) == pattern.operators.end()) return false;
  if (!pattern.attributes.empty()) return false;
  for (size_t i = 0; i < pattern.args.size(); ++i) {
    const PatternNode& arg = *pattern.args[i];
    const bool is_number = arg.kind == PatternNode::Kind::literal;
    if (arg.kind != PatternNode::Kind::constant && !is_number) continue;
    const Tensor* constant = constant_at(call, root, i);
    if (!constant || (is_number && (constant->size() != 1 || constant->number_at(0) != arg.number))) return false;
  }
  return true;
}

}  // namespace

std::vector<std::string> module_types(const Node& call, const Node& root) {
  static const std::vector<Form> larger = parsed_forms(false), single = parsed_forms(true);
  std::vector<std::string> types;
  if (&call == &root)
    for (const auto& [module, pattern] : larger)
      if (is_inside(const_cast<Node&>(root), pattern)) types.push_back(module->name);
  for (const auto& [module, pattern] : single) {
    if (!has_form(call, root, pattern.root())) continue;
    const Tensor* weight = module->weight_rank > 0 ? constant_at(call, root, 1) : nullptr;
    if (module->weight_rank == 0 || (weight && weight->rank() == static_cast<size_t>(module->weight_rank))) types.push_back(module->name);
  }
  return types;
}

}  // namespace qtool
