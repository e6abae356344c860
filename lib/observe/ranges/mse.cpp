// mse: both ends drawn in by one factor, the one with the least expected squared error.

#include <cmath>

#include "observe/ranges/rules.h"

namespace qtool::ranges {
namespace {

constexpr int kFactors = 100;  ///< 1.00, 0.99, ..., 0.01

}  // namespace

std::optional<Range> mse(const TensorStatistics& statistics, const RangeOptions& options) {
  if (statistics.empty()) return std::nullopt;
  const Distribution values(statistics, options.bins);
  const Range whole = whole_range(statistics.extremes, options.symmetric);
  Range best = whole;
  double least = error_of(values, whole, options);
  for (int i = 1; i < kFactors; ++i) {
    const double factor = 1 - static_cast<double>(i) / kFactors;
    const double error = error_of(values, scaled(whole, factor, factor), options);
    if (error >= least) continue;
    least = error;
    best = scaled(whole, factor, factor);
  }
  return best;
}

}  // namespace qtool::ranges
