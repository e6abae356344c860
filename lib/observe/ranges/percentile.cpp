// percentile: `percentile` percent of the values lie inside; half of the others is cut at either end.

#include "observe/ranges/rules.h"

namespace qtool::ranges {

std::optional<Range> percentile(const TensorStatistics& statistics, const RangeOptions& options) {
  if (statistics.empty()) return std::nullopt;
  const Distribution values(statistics, options.bins);
  const double tail = (100 - options.percentile) / 200 * values.all().count;
  return Range{static_cast<float>(values.quantile(tail)), static_cast<float>(values.quantile(values.all().count - tail))};
}

}  // namespace qtool::ranges
