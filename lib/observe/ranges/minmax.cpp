// minmax, moving averages of it, and their per-channel kin: [least, greatest], no search. Equal to torch.ao's observers to the bit.
// For an activation the per-channel ones are the same rules: activations are quantized per tensor.

#include "observe/ranges/rules.h"

namespace qtool::ranges {

std::optional<Range> extremes(const TensorStatistics& statistics, const RangeOptions&) {
  if (statistics.empty()) return std::nullopt;
  return Range{statistics.extremes.lo, statistics.extremes.hi};
}

std::optional<Range> moving_average(const TensorStatistics& statistics, const RangeOptions& options) {
  const MinMax average = statistics.samples.moving_average(options.averaging_constant);
  if (average.empty()) return extremes(statistics, options);
  return Range{average.lo, average.hi};
}

std::optional<Range> channel_extremes(const TensorStatistics& statistics, const RangeOptions& options) {
  return extremes(statistics, options);
}

std::optional<Range> channel_moving_average(const TensorStatistics& statistics, const RangeOptions& options) {
  return moving_average(statistics, options);
}

}  // namespace qtool::ranges
