#include "observe/ranges/rules.h"

#include <algorithm>
#include <cmath>

namespace qtool::ranges {

double error_of(const Distribution& values, Range range, const RangeOptions& options) {
  const DType dtype = options.codes.lo < 0 ? DType::int32 : DType::uint32;
  const QuantParams params = params_of_range(range, dtype, options.codes, options.symmetric, 0.0f);
  return quantization_error(values, params.scale(), options.codes.lo - params.zero_point(), options.codes.hi - params.zero_point());
}

Range whole_range(const MinMax& extremes, bool symmetric) {
  const Range whole{std::min(extremes.lo, 0.0f), std::max(extremes.hi, 0.0f)};
  if (!symmetric) return whole;
  const float bound = std::max(-whole.lo, whole.hi);
  return {-bound, bound};
}

Range scaled(Range whole, double lower, double upper) {
  return {static_cast<float>(whole.lo * lower), static_cast<float>(whole.hi * upper)};
}

}  // namespace qtool::ranges
