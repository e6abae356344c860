// octav: clip |x| at s, found by Newton's method on the expected squared error (Sakr et al., "Optimal Clipping and Magnitude-aware
// Differentiation for Improved Quantization-aware Training", ICML 2022):
//   s <- sum of |x| over |x| > s  /  (noise * count(|x| <= s) + count(|x| > s)),   noise = step^2 / 12 for s = 1
// The range is what of [-s, s] the values reach, so one-sided values have half the step.

#include <algorithm>
#include <cmath>

#include "observe/ranges/rules.h"

namespace qtool::ranges {
namespace {

constexpr int kIterations = 30;

Range clip(Range whole, double s) {
  return {static_cast<float>(std::max<double>(whole.lo, -s)), static_cast<float>(std::min<double>(whole.hi, s))};
}

double next(const Distribution& values, Range whole, double s, double steps) {
  const Moments low = values.below(-s), high = values.all() - values.below(s);
  const double outside = low.count + high.count, inside = values.all().count - outside;
  const Range range = clip(whole, s);
  const double step = (static_cast<double>(range.hi) - range.lo) / s / steps;
  return (high.sum - low.sum) / (step * step / 12 * inside + outside);
}

}  // namespace

std::optional<Range> octav(const TensorStatistics& statistics, const RangeOptions& options) {
  if (statistics.empty()) return std::nullopt;
  const Distribution values(statistics, options.bins);
  const Range whole = whole_range(statistics.extremes, options.symmetric);
  const double bound = std::max<double>(-whole.lo, whole.hi), steps = static_cast<double>(options.codes.hi - options.codes.lo);
  const Moments negative = values.below(0);
  double s = (values.all().sum - 2 * negative.sum) / std::max(1.0, values.all().count);  // mean |x|
  for (int i = 0; i < kIterations && s > 0; ++i) {
    const double further = std::min(next(values, whole, s, steps), bound);
    if (std::fabs(further - s) < 1e-6 * bound) break;
    s = further;
  }
  return s > 0 ? clip(whole, s) : whole;
}

}  // namespace qtool::ranges
