#pragma once
#include <span>

#include "observe/range.h"

namespace qtool::ranges {

/// mse of a weight with symmetric codes: the scale s with the least  sum over w of (w - s * q)^2,  q = clamp(round(w / s)).  Searched on
/// the values themselves, among scales of 0.6 to 1.2 times the one that reaches the largest value: for the codes q of each, s = sum w q /
/// sum q^2 is best; the best of these is improved until its codes stay. The range is [-bound, bound] of that scale.
Range least_squares_of_weight(std::span<const float> values, const RangeOptions& options);

}  // namespace qtool::ranges
