#pragma once
// What the rules share: reading a statistic as a distribution, and what a range costs.

#include <optional>

#include "observe/moments.h"
#include "observe/range.h"

namespace qtool::ranges {

#define QTOOL_RANGE(name, needs, per_channel, choose) std::optional<Range> choose(const TensorStatistics&, const RangeOptions&);
#include "observe/ranges.inc"
#undef QTOOL_RANGE

/// Expected squared error of the codes that [lo, hi] leads to.
double error_of(const Distribution& values, Range range, const RangeOptions& options);

/// The extremes, as a symmetric scheme sees them: [-bound, bound].
Range whole_range(const MinMax& extremes, bool symmetric);

/// [lo * lower, hi * upper] of the whole range.
Range scaled(Range whole, double lower, double upper);

}  // namespace qtool::ranges
