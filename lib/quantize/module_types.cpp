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

const std::vector<Form>& forms() {
  static const std::vector<Form> table = [] {
    std::vector<Form> made;
    for (const Module& module : modules())
      for (const std::string& expression : module.patterns)
        if (Pattern pattern = Pattern::parse(expression); is_one_operator(pattern.root())) made.push_back({&module, std::move(pattern)});
    return made;
  }();
  return table;
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
  std::vector<std::string> types;
  for (const auto& [module, pattern] : forms()) {
    if (!has_form(call, root, pattern.root())) continue;
    const Tensor* weight = module->weight_rank > 0 ? constant_at(call, root, 1) : nullptr;
    if (module->weight_rank == 0 || (weight && weight->rank() == static_cast<size_t>(module->weight_rank))) types.push_back(module->name);
  }
  return types;
}

}  // namespace qtool
