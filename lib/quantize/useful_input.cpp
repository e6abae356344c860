#include "quantize/useful_input.h"

#include <algorithm>
#include <limits>

#include "quantize/candidates.h"

namespace qtool {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr Range kEverything{-kInf, kInf};

Range hard_sigmoid(float alpha, float beta) {
  if (!(alpha > 0)) return kEverything;
  return {-beta / alpha, (1 - beta) / alpha};
}

/// Where the operator is not flat. Groups go by the names that backends give them (configs/modules.json).
Range range_of(const Node& node) {
  const std::string group = fused_module_of(node);
  if (group == "Hardswish" || group == "HardswishAffine" || node.is("HardSwish")) return {-3, kInf};
  if (group == "Hardsigmoid") return {-3, 3};
  if (node.is("HardSigmoid")) return hard_sigmoid(node.attr_or("alpha", 0.2f), node.attr_or("beta", 0.5f));
  if (node.is("Relu")) return {0, kInf};
  return kEverything;
}

Range united(Range a, Range b) { return {std::min(a.lo, b.lo), std::max(a.hi, b.hi)}; }

}  // namespace

Range useful_input(const QuantPlan& plan, const Value& value) {
  Range useful{kInf, -kInf};
  for (const Use& use : value.uses()) {
    const NodeDecision* taker = plan.decision_of(*use.node);
    if (!taker) return kEverything;
    if (taker->quantized && taker->role == QuantTraits::Kind::pass_through) {
      for (const auto& output : use.node->outputs())
        if (output) useful = united(useful, useful_input(plan, *output));
    } else {
      useful = united(useful, range_of(*use.node));
    }
  }
  return useful.lo <= useful.hi ? useful : kEverything;
}

}  // namespace qtool
