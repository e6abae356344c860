#pragma once
// From what was seen to a range, from a range to scale and zero point. A rule reads a finished statistic; the table is ranges.inc.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "observe/tensor_statistics.h"
#include "tensor/quant_math.h"
#include "tensor/tensor.h"

namespace qtool {

/// Real values [lo, hi]; finite.
struct Range {
  float lo = 0, hi = 0;
  bool operator==(const Range&) const = default;
};

/// What a rule may ask about the quantization it works for; the fields of a qconfig's observer.
struct RangeOptions {
  CodeRange codes;              ///< codes.hi - codes.lo + 1 values are there to be used
  bool symmetric = false;       ///< zero point in the middle: the range that counts is [-bound, bound]
  int bins = Histogram::kBins;  ///< bins looked at, at most
  double percentile = 99.99;    ///< percent inside; half of the rest is cut at either end
  double averaging_constant = 0.01;
};

/// A row of ranges.inc.
struct RangeRule {
  std::string_view name;
  Detail needs;
  bool per_channel;  ///< the observer names a rule for each channel of a weight
  std::optional<Range> (*choose)(const TensorStatistics&, const RangeOptions&);
};
std::span<const RangeRule> range_rules();
/// Null when the observer is not one that reads values (fixed_qparams, placeholder, none).
const RangeRule* range_rule(std::string_view observer);

/// Moving averages read the extremes of every sample, which grow with the samples: calibration keeps them for these observers alone.
bool needs_samples(std::string_view observer);

/// The range of an activation; nothing when no finite value was seen. Throws Error(bug) on an observer without a rule, and
/// Error(invalid_file) when the rule needs a histogram, or the extremes of every sample, and none were collected.
std::optional<Range> choose_range(std::string_view observer, const TensorStatistics& statistics, const RangeOptions& options);

/// The range of a weight (float32): one for axis -1, else one for every slice along `axis`. An empty slice has [0, 0].
std::vector<Range> choose_weight_ranges(std::string_view observer, const Tensor& weight, int axis, const RangeOptions& options);

/// Scale and zero point of a range: affine_params or symmetric_params, then, when asked, the scale rounded up to a power of two.
QuantParams params_of_range(Range range, DType dtype, CodeRange codes, bool symmetric, float eps, bool power_of_two = false);
/// The same for the slices along `axis` (>= 0), or per tensor with axis -1 and one range.
QuantParams params_of_ranges(std::span<const Range> ranges, int axis, DType dtype, CodeRange codes, bool symmetric, float eps,
                             bool power_of_two = false);

}  // namespace qtool
