#include "debug/useful.h"

#include <algorithm>
#include <limits>

#include "ops/op_def.h"

namespace qtool::debug {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr Range kEverything{-kInf, kInf};

Range hard_sigmoid(float alpha, float beta) {
  if (!(alpha > 0)) return kEverything;
  return {-beta / alpha, (1 - beta) / alpha};
}

float scalar_or(const Value* value, float fallback) {
  const Tensor* tensor = value ? value->constant() : nullptr;
  return tensor && tensor->size() == 1 ? static_cast<float>(tensor->number_at(0)) : fallback;
}

/// Where an operator of one input is not flat.
Range range_of(const Node& node) {
  if (node.is("HardSwish")) return {-3, kInf};
  if (node.is("HardSigmoid")) return hard_sigmoid(node.attr_or("alpha", 0.2f), node.attr_or("beta", 0.5f));
  if (node.is("Relu")) return {0, kInf};
  if (node.is("Clip")) return {node.in(1) ? scalar_or(node.in(1), -kInf) : -kInf, node.in(2) ? scalar_or(node.in(2), kInf) : kInf};
  return kEverything;
}

Range united(Range a, Range b) { return {std::min(a.lo, b.lo), std::max(a.hi, b.hi)}; }

bool moves(const Model& model, const PlanStep& step) {
  if (step.kind == PlanStep::Kind::observe) return true;
  const OpDef* op = find_op(model, *step.cluster.root);
  return op && op->quant.kind == QuantTraits::Kind::pass_through && step.inputs.size() == 1 && step.cluster.post_ops.empty();
}

Range output_range(const PlanStep& step, const std::vector<Range>& useful) {
  Range all{kInf, -kInf};
  for (const int slot : step.outputs)
    if (slot >= 0) all = united(all, useful[static_cast<size_t>(slot)]);
  return all.lo <= all.hi ? all : kEverything;
}

}  // namespace

std::vector<Range> useful_ranges(const PlanGraph& graph, const Model& model) {
  std::vector<Range> useful(graph.slots.size(), Range{kInf, -kInf});
  const auto take = [&](int slot, Range range) {
    if (slot >= 0) useful[static_cast<size_t>(slot)] = united(useful[static_cast<size_t>(slot)], range);
  };
  for (const Source& output : graph.outputs) take(output.slot, kEverything);
  for (auto at = graph.steps.rbegin(); at != graph.steps.rend(); ++at) {
    const PlanStep& step = **at;
    if (step.kind == PlanStep::Kind::skip) continue;
    const bool alone = step.kind == PlanStep::Kind::run && step.inputs.size() == 1;
    const Range range = moves(model, step) ? output_range(step, useful) : alone ? range_of(*step.cluster.root) : kEverything;
    for (const int slot : step.inputs) take(slot, range);
    for (const Source& argument : step.arguments) take(argument.slot, kEverything);
    for (const auto& body : step.bodies)
      for (const auto& [value, unused] : body->captured) take(graph.slots.at(value), kEverything);
  }
  for (Range& range : useful)
    if (!(range.lo <= range.hi)) range = kEverything;
  return useful;
}

}  // namespace qtool::debug
