#pragma once
#include <cstddef>
#include <cstdint>

namespace qtool::kernels {

/// Every row of n channels:  x[c] = (in[c] - in_zero_point) * in_scale,  square[c] = sum over d = c - half .. c + half of x[d]^2
///   out[c] = clamp(rne(x[c] * (bias + factor * square[c])^(-3/4) * steps) + zero_point, lo, hi), NaN as 0
///
/// in       rows x n codes, u8 or s8
/// out      rows x n codes, u8 or s8 as lo and hi say; lo <= zero_point <= hi
/// steps    1 / scale of the output
/// scratch  2 * n + 2 * half + 32 f32
/// Squares outside the row are 0; bias > 0, factor >= 0; the sum from the lowest channel up. v^(-3/4) = q^3 by three steps of Newton's
/// method for q = v^(-1/4): q * (1.25 - 0.25 * v * q^4), from the float whose bits are kQuarterRoot - bits(v) / 4. All variants give the
/// same bits.
struct LocalResponseArgs {
  const uint8_t* in;
  uint8_t* out;
  float* scratch;
  size_t rows, n, half;
  bool in_signed;
  int32_t in_zero_point;
  float in_scale, factor, bias, steps;
  int32_t zero_point, lo, hi;
};
struct LocalResponse {
  using Args = LocalResponseArgs;
  using Fn = void(const LocalResponseArgs&);
};

inline constexpr int32_t kQuarterRoot = 0x4F58CAE5;

}  // namespace qtool::kernels
