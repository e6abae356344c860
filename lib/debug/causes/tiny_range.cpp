// The values need a small part of what the codes reach.

#include <algorithm>

#include "debug/causes.h"

namespace qtool::debug {

std::optional<Cause> tiny_range(const Situation& situation) {
  constexpr double kTimes = 6;
  const Parameters* told = situation.parameters();
  if (!told || situation.measure().histogram.empty()) return std::nullopt;
  const Activation& seen = *situation.activation();
  const double span = std::max(seen.hi, 0.0) - std::min(seen.lo, 0.0), reach = told->hi - told->lo;
  if (span <= 0 || reach < kTimes * span) return std::nullopt;
  Cause cause;
  cause.text = "tiny range: values lie in " + interval(seen.lo, seen.hi) + ", the codes reach " + interval(told->lo, told->hi) + ", " +
               digits(reach / span) + " times as far";
  cause.evidence = {{"span", span}, {"codes_span", reach}, {"codes_used", seen.codes_used}};
  cause.remedy = "a range of its own for this tensor";
  cause.observer = "minmax";
  cause.weight = 1.5 * rounding_noise(situation);
  return cause;
}

}  // namespace qtool::debug
