// Many samples leave the calibrated range a little: it had not settled.

#include <algorithm>

#include "debug/causes.h"

namespace qtool::debug {

std::optional<Cause> few_samples(const Situation& situation) {
  constexpr double kBeyond = 0.02, kSamples = 0.25, kMostClipped = 0.02;
  const Parameters* told = situation.parameters();
  const auto& extremes = situation.measure().extremes;
  if (!told || extremes.size() < 4) return std::nullopt;
  const double margin = kBeyond * (told->hi - told->lo);
  size_t count = 0;
  double most = 0;
  for (const auto& [lo, hi] : extremes) {
    const double beyond = std::max(static_cast<double>(hi) - told->hi, told->lo - static_cast<double>(lo));
    count += beyond > margin;
    most = std::max(most, beyond);
  }
  const Activation& seen = *situation.activation();
  const double noise = clipping_noise(situation);
  if (static_cast<double>(count) < kSamples * static_cast<double>(extremes.size())) return std::nullopt;
  if (seen.below + seen.above > kMostClipped || noise < rounding_noise(situation)) return std::nullopt;
  Cause cause;
  cause.text = "too few calibration samples: values leave " + interval(told->lo, told->hi) + " in " + std::to_string(count) + " of " +
               std::to_string(extremes.size()) + " samples, by up to " + digits(most);
  cause.evidence = {{"samples_beyond", static_cast<double>(count)}, {"furthest", most}, {"clipping_noise", noise}};
  cause.remedy = "calibrate with more samples";
  cause.observer = "minmax";
  cause.weight = 1.01 * noise;
  return cause;
}

}  // namespace qtool::debug
