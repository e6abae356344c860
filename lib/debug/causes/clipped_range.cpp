// Values beyond what the codes reach.

#include "debug/causes.h"

namespace qtool::debug {

std::optional<Cause> clipped_range(const Situation& situation) {
  constexpr double kNoise = 1e-4, kShare = 1e-5;
  const Parameters* told = situation.parameters();
  if (!told) return std::nullopt;
  const Activation& seen = *situation.activation();
  const double noise = clipping_noise(situation), share = seen.below + seen.above;
  if (noise < kNoise || share < kShare || noise < rounding_noise(situation)) return std::nullopt;
  Cause cause;
  cause.text = "clipped range: values lie in " + interval(seen.lo, seen.hi) + ", the codes reach " + interval(told->lo, told->hi) + "; " +
               percent(share) + " are clipped";
  cause.evidence = {
      {"clipped_below", seen.below}, {"clipped_above", seen.above}, {"lo", told->lo}, {"hi", told->hi}, {"clipping_noise", noise}};
  cause.remedy = "a range rule that keeps the extremes";
  cause.observer = "minmax";
  cause.weight = noise;
  return cause;
}

}  // namespace qtool::debug
