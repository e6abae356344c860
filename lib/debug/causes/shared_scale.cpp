// A Concat whose inputs share one scale, and one of them needs far less of it.

#include <algorithm>

#include "debug/causes.h"

namespace qtool::debug {
namespace {

constexpr double kTimes = 4;

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool same(const Parameters& a, const Parameters& b) { return a.scale == b.scale && a.zero_point == b.zero_point && a.dtype == b.dtype; }

double span(const Activation& seen) { return seen.hi - seen.lo; }

/// The widest other input of `concat` with the same parameters; null: none.
const NodeReport* widest_beside(const Situation& situation, const NodeReport& concat) {
  const NodeReport* widest = nullptr;
  for (const NodeReport& other : situation.report.nodes) {
    if (&other == &situation.node() || other.outputs.empty() || !has(concat.inputs, other.outputs[0])) continue;
    if (!other.activation || !other.activation->parameters || !same(*other.activation->parameters, *situation.parameters())) continue;
    if (!widest || span(*other.activation) > span(*widest->activation)) widest = &other;
  }
  return widest;
}

}  // namespace

std::optional<Cause> shared_scale(const Situation& situation) {
  if (!situation.parameters() || situation.node().outputs.empty()) return std::nullopt;
  for (const NodeReport& concat : situation.report.nodes) {
    if (concat.op != "Concat" || !has(concat.inputs, situation.node().outputs[0])) continue;
    const NodeReport* widest = widest_beside(situation, concat);
    const double own = span(*situation.activation());
    if (!widest || own <= 0 || span(*widest->activation) < kTimes * own) continue;
    Cause cause;
    const Activation &seen = *situation.activation(), &other = *widest->activation;
    cause.text = "shared scale: " + concat.name + " gives " + interval(seen.lo, seen.hi) + " the scale of " + widest->name + " with " +
                 interval(other.lo, other.hi);
    cause.evidence = {{"own_span", own}, {"other_span", span(other)}, {"scale", situation.parameters()->scale}};
    cause.remedy = "leave " + concat.name + " float, so that each input has a scale of its own";
    cause.observer = "float";
    cause.weight = 4 * rounding_noise(situation);
    return cause;
  }
  return std::nullopt;
}

}  // namespace qtool::debug
