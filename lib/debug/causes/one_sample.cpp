// One sample's extreme sets the range for all.

#include <algorithm>
#include <cmath>

#include "debug/causes.h"

namespace qtool::debug {

std::optional<Cause> one_sample(const Situation& situation) {
  constexpr double kTimes = 3, kReached = 0.7;
  const Parameters* told = situation.parameters();
  const SampleRanges& ranges = situation.measure().ranges;
  if (!told || ranges.samples < 3) return std::nullopt;
  const double first = static_cast<double>(ranges.largest), second = static_cast<double>(ranges.second),
               reach = std::max(std::fabs(told->lo), told->hi);
  if (second <= 0 || first < kTimes * second || reach < kReached * first) return std::nullopt;
  Cause cause;
  const size_t sample = ranges.largest_at;
  const std::string id = sample < situation.report.samples.size() ? situation.report.samples[sample].id : "?";
  cause.text = "range blown up by one sample: " + id + " reaches " + digits(first) + ", no other more than " + digits(second);
  cause.evidence = {{"sample", static_cast<double>(sample)}, {"largest", first}, {"next", second}, {"codes_reach", reach}};
  cause.remedy = "a range rule that leaves outliers out, or calibration without that sample";
  cause.observer = "mse";
  cause.weight = 3 * rounding_noise(situation);
  return cause;
}

}  // namespace qtool::debug
