#pragma once
// Codes minus zero points as float, shared by the integer operators (ConvInteger, MatMulInteger, QLinear*).

#include "ops/op_def.h"

namespace qtool {

/// x - zero, float32, exact. zero: undefined (0), one element, or one a slice of `axis`.
Tensor centered(const Tensor& x, const Tensor& zero, int64_t axis);

/// saturate(round_half_even(sums * ratio[slice of axis] / 1) + zero_point) as codes of zero's type.
/// ratio: one element, or one a slice of `axis`.
Tensor requantized(const Tensor& sums, const std::vector<double>& ratio, int64_t axis, const Tensor& zero);

}  // namespace qtool
