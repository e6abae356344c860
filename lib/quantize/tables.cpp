#include "quantize/tables.h"

#include <algorithm>
#include <unordered_map>

#include "quantize/layers.h"

namespace qtool {
namespace {

using Kind = QuantTraits::Kind;

constexpr int64_t kWorthStoring = 1024;  ///< elements; below, scale and DQ node eat what is saved

class TableFinder {
 public:
  explicit TableFinder(const QuantPlan& plan) : plan_(plan) {}

  std::vector<StoredTable> find() {
    for (const NodeDecision& decision : plan_.nodes)
      if (!decision.quantized && decision.eligible)
        for (const size_t input : decision.constants) consider(decision, input);
    return std::move(found_);
  }

 private:
  void consider(const NodeDecision& decision, size_t input) {
    const Tensor& constant = *decision.call->in(input)->constant();
    if (constant.dtype() != DType::float32 || constant.size() < kWorthStoring) return;
    const QConfig& qconfig = *decision.qconfig;
    if (decision.role == Kind::pass_through && decision.root->is("Gather") && qconfig.weight.quantizes())
      found_.push_back({decision.call, input, row_axis(*decision.root, constant), qconfig.weight, decision.rule});
    else if (decision.role == Kind::arithmetic && all_met(*decision.call))
      found_.push_back({decision.call, input, -1, qconfig.activation, decision.rule});
  }

  static int row_axis(const Node& gather, const Tensor& table) {
    const auto axis = static_cast<int>(gather.attr_or("axis", int64_t{0}));
    return axis < 0 ? axis + static_cast<int>(table.rank()) : axis;
  }

  bool all_met(const Node& node) {
    return std::all_of(node.outputs().begin(), node.outputs().end(), [&](const auto& value) { return !value || met(*value); });
  }

  /// True when every path from `value` to the end of its graph passes a call that takes it as codes.
  bool met(const Value& value) {
    const auto [at, fresh] = met_.emplace(&value, true);  // graphs hold no cycles
    if (!fresh) return at->second;
    const bool all = std::all_of(value.uses().begin(), value.uses().end(), [&](const Use& use) { return met_by(use); });
    return met_[&value] = all;
  }

  bool met_by(const Use& use) {
    if (!use.node->is_call()) return false;
    const NodeDecision* taker = plan_.decision_of(*use.node);
    if (!taker) return false;
    const bool as_codes = taker->quantized && std::find(taker->data.begin(), taker->data.end(), use.input) != taker->data.end();
    return as_codes || all_met(*use.node);
  }

  const QuantPlan& plan_;
  std::unordered_map<const Value*, bool> met_;
  std::vector<StoredTable> found_;
};

/// W and R of a quantized recurrence, by gate unit.
void add_recurrence(const NodeDecision& decision, std::vector<StoredTable>& tables) {
  if (decision.call != decision.root || !decision.qconfig->weight.quantizes()) return;
  for (const size_t input : weight_inputs(*decision.root)) {
    const Value* value = decision.call->in(input);
    const Tensor* weight = value ? value->constant() : nullptr;
    if (!weight || weight->dtype() != DType::float32 || weight->rank() != 3) continue;
    tables.push_back(
        {decision.call, input, axes_of(*decision.root, input, weight->rank()).channel_axis, decision.qconfig->weight, decision.rule});
  }
}

}  // namespace

std::vector<StoredTable> find_tables(const QuantPlan& plan, const Placement& placement) {
  std::vector<StoredTable> tables;
  if (placement.constant_operands == Placement::Constants::quantized) tables = TableFinder(plan).find();
  for (const NodeDecision& decision : plan.nodes)
    if (decision.quantized && is_recurrent(*decision.root)) add_recurrence(decision, tables);
  return tables;
}

}  // namespace qtool
