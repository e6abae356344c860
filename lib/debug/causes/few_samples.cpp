// Many samples leave the calibrated range a little: it had not settled.

#include <algorithm>

#include "debug/causes.h"

namespace qtool::debug {

std::optional<Cause> few_samples(const Situation& situation) {
  constexpr double kSamples = 0.25, kMostClipped = 0.02;
  const Parameters* told = situation.parameters();
  const SampleRanges& ranges = situation.measure().ranges;
  if (!told || ranges.samples < 4) return std::nullopt;
  const double most = std::max(static_cast<double>(ranges.hi) - told->hi, told->lo - static_cast<double>(ranges.lo));
  const Activation& seen = *situation.activation();
  const double noise = clipping_noise(situation);
  if (static_cast<double>(ranges.beyond) < kSamples * static_cast<double>(ranges.samples)) return std::nullopt;
  if (seen.below + seen.above > kMostClipped || noise < rounding_noise(situation)) return std::nullopt;
  Cause cause;
  cause.text = "too few calibration samples: values leave " + interval(told->lo, told->hi) + " in " + std::to_string(ranges.beyond) +
               " of " + std::to_string(ranges.samples) + " samples, by up to " + digits(most);
  cause.evidence = {{"samples_beyond", static_cast<double>(ranges.beyond)}, {"furthest", most}, {"clipping_noise", noise}};
  cause.remedy = "calibrate with more samples";
  cause.observer = "minmax";
  cause.weight = 1.01 * noise;
  return cause;
}

}  // namespace qtool::debug
