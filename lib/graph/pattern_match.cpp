// Backtracking search: a list of open goals "this value is made by that pattern"; each choice (order of Add's inputs,
// alternative) is tried with all goals that are left.
#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "graph/pattern.h"
#include "graph/pattern_node.h"

namespace qtool {
namespace {

constexpr int kMaxSteps = 20000;  ///< of one search; real patterns need hundreds

bool close(double found, double wanted) { return std::abs(found - wanted) <= 1e-6 * std::max(std::abs(found), std::abs(wanted)); }

bool holds(const std::vector<double>& wanted, const auto& found) {
  return std::equal(wanted.begin(), wanted.end(), found.begin(), found.end(),
                    [](double a, auto b) { return close(static_cast<double>(b), a); });
}

bool holds(const PatternAttribute& wanted, const Node& node) {
  const Attribute* found = node.attribute(wanted.name);
  if (!found) return false;
  if (const auto* text = std::get_if<std::string>(&wanted.value)) {
    const auto* value = std::get_if<std::string>(&found->value);
    return value && *value == *text;
  }
  if (const auto* list = std::get_if<std::vector<double>>(&wanted.value)) {
    if (const auto* ints = std::get_if<std::vector<int64_t>>(&found->value)) return holds(*list, *ints);
    const auto* floats = std::get_if<std::vector<float>>(&found->value);
    return floats && holds(*list, *floats);
  }
  const double number = std::get<double>(wanted.value);
  if (const auto* value = std::get_if<int64_t>(&found->value)) return static_cast<double>(*value) == number;
  const auto* value = std::get_if<float>(&found->value);
  return value && close(*value, number);
}

/// "Conv" is the operator of the default domain or a local function; "com.microsoft.Gelu" a full target.
bool named(const Node& node, const std::string& op) {
  if (!node.is_call()) return false;
  if (node.is(op) || node.target() == op) return true;
  return node.kind() == NodeKind::call_module && node.op == op;
}

bool commutes(const Node& node) {
  return node.input_count() == 2 && (node.is("Add") || node.is("Mul") || node.is("Sum") || node.is("Max") || node.is("Min"));
}

struct Goal {
  const PatternNode* pattern;
  Value* value;
};

/// An LSTM may give its last state alone.
Value* first_output(const Node& node) {
  for (const auto& value : node.outputs())
    if (value) return value.get();
  return nullptr;
}

class Search {
 public:
  explicit Search(Node& root) : root_(root) {}

  bool run(const PatternNode& pattern) { return solve({{&pattern, first_output(root_)}}); }

  Match result() const {
    Match match;
    match.root = &root_;
    match.bindings = bindings_;
    order(root_, match);
    for (const Node* node : match.nodes) add_inputs(*node, match.inputs);
    return match;
  }

 private:
  bool solve(std::vector<Goal> goals) {
    if (++steps_ > kMaxSteps) return false;
    if (goals.empty()) return closed();
    const Goal goal = goals.back();
    goals.pop_back();
    switch (goal.pattern->kind) {
      case PatternNode::Kind::any:
        return bind(goal, goals);
      case PatternNode::Kind::constant:
        return (!goal.value || goal.value->constant()) && bind(goal, goals);
      case PatternNode::Kind::literal:
        return is_literal(goal) && solve(std::move(goals));
      case PatternNode::Kind::call:
        return call(goal, goals);
      case PatternNode::Kind::choice:
        break;
    }
    for (const PatternNodePtr& alternative : goal.pattern->args) {
      std::vector<Goal> next = goals;
      next.push_back({alternative.get(), goal.value});
      if (solve(std::move(next))) return true;
    }
    return false;
  }

  bool bind(const Goal& goal, std::vector<Goal>& goals) {
    if (!goal.value && !goal.pattern->optional) return false;
    if (goal.pattern->name.empty()) return solve(std::move(goals));
    const auto [place, is_new] = bindings_.emplace(goal.pattern->name, goal.value);
    if (place->second != goal.value) return false;
    if (solve(std::move(goals))) return true;
    if (is_new) bindings_.erase(goal.pattern->name);
    return false;
  }

  static bool is_literal(const Goal& goal) {
    const Tensor* tensor = goal.value ? goal.value->constant() : nullptr;
    return tensor && tensor->size() == 1 && tensor->dtype() != DType::string && close(tensor->number_at(0), goal.pattern->number);
  }

  bool call(const Goal& goal, const std::vector<Goal>& goals) {
    if (!goal.value) return false;
    Node& node = goal.value->producer();
    if (goal.value->index() != 0 && &node != &root_) return false;
    const PatternNode& pattern = *goal.pattern;
    if (&node.graph() != &root_.graph()) return false;
    if (std::none_of(pattern.operators.begin(), pattern.operators.end(), [&](const std::string& op) { return named(node, op); }))
      return false;
    for (const PatternAttribute& attribute : pattern.attributes)
      if (!holds(attribute, node)) return false;
    const bool is_new = nodes_.insert(&node).second;
    if (with_inputs(pattern, node.inputs(), goals)) return true;
    if (commutes(node) && with_inputs(pattern, {node.in(1), node.in(0)}, goals)) return true;
    if (is_new) nodes_.erase(&node);
    return false;
  }

  bool with_inputs(const PatternNode& pattern, const std::vector<Value*>& inputs, std::vector<Goal> goals) {
    if (!pattern.further_inputs)
      for (size_t i = pattern.args.size(); i < inputs.size(); ++i)
        if (inputs[i]) return false;
    for (size_t i = pattern.args.size(); i-- > 0;) goals.push_back({pattern.args[i].get(), i < inputs.size() ? inputs[i] : nullptr});
    return solve(std::move(goals));
  }

  /// Inner values are used by matched nodes only.
  bool closed() const {
    for (const Node* node : nodes_) {
      if (node == &root_) continue;
      for (const auto& value : node->outputs()) {
        if (!value) continue;
        for (const Use& use : value->uses())
          if (!nodes_.count(use.node)) return false;
      }
    }
    return true;
  }

  /// Matched nodes that `node` needs, then itself.
  void order(Node& node, Match& match) const {
    if (!nodes_.count(&node) || std::count(match.nodes.begin(), match.nodes.end(), &node)) return;
    for (Value* value : node.inputs())
      if (value) order(value->producer(), match);
    match.nodes.push_back(&node);
  }

  void add_inputs(const Node& node, std::vector<Value*>& inputs) const {
    for (Value* value : node.inputs())
      if (value && !nodes_.count(&value->producer()) && !std::count(inputs.begin(), inputs.end(), value)) inputs.push_back(value);
  }

  Node& root_;
  std::map<std::string, Value*> bindings_;
  std::unordered_set<const Node*> nodes_;
  int steps_ = 0;
};

}  // namespace

std::optional<Match> match(const Pattern& pattern, Node& root) {
  if (!root.is_call() || !first_output(root)) return std::nullopt;
  Search search(root);
  if (!search.run(pattern.root())) return std::nullopt;
  return search.result();
}

}  // namespace qtool
