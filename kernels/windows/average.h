#pragma once
#include <cstddef>
#include <cstdint>

#include "kernels/windows/window_row.h"

namespace qtool::kernels {

/// mean[c] = f32((sum over t of f64(real(taps[t][first + c]))) / divisor)        real(code) = f32(code - zero_point) * scale
/// f32 taps:  out[c] = mean[c];      8-bit taps:  out[c] = clamp(rne(mean[c] / out_scale) + out_zero_point, lo, hi)
/// for each of the windows of a row, of one divisor
///
/// taps  `count` pointers, to n elements from `first` on each; out n elements of the same width, overlapping no tap. divisor > 0.
/// f64 sums of f32 products of 8-bit codes are exact up to 2^20 taps, so the order of taps does not matter.
struct AverageArgs {
  const void* const* taps;
  size_t count, n;
  double divisor;
  void* out;
  bool is_float, is_signed;  ///< of taps
  float scale;
  int32_t zero_point;
  float out_scale;
  int32_t out_zero_point, lo, hi;
  size_t first = 0;
  WindowRow row = {};
};
struct Average {
  using Args = AverageArgs;
  using Fn = void(const AverageArgs&);
};

}  // namespace qtool::kernels
