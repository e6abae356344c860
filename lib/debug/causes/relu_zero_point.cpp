// No value is negative, but codes are kept for negative ones.

#include "debug/causes.h"

namespace qtool::debug {

std::optional<Cause> relu_zero_point(const Situation& situation) {
  constexpr double kWasted = 0.1;
  const Parameters* told = situation.parameters();
  if (!told || told->per_channel || situation.measure().histogram.empty() || !situation.in_network().has_operator) return std::nullopt;
  const Activation& seen = *situation.activation();
  const double wasted = told->hi > told->lo ? -told->lo / (told->hi - told->lo) : 0;
  if (seen.lo < 0 || seen.hi <= 0 || wasted < kWasted) return std::nullopt;
  Cause cause;
  cause.text = "zero point against ReLU: no value is negative, but the zero point " + std::to_string(told->zero_point) + " keeps " +
               percent(wasted) + " of the codes for values below zero";
  cause.evidence = {{"zero_point", told->zero_point}, {"wasted_codes", wasted}, {"lo", seen.lo}, {"hi", seen.hi}};
  cause.remedy = "an affine scheme with the zero point at the lowest code";
  cause.observer = "minmax";
  cause.weight = 2 * rounding_noise(situation);
  return cause;
}

}  // namespace qtool::debug
