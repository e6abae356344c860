#pragma once
#include <cstddef>
#include <cstdint>

namespace qtool::kernels {

/// Every row of n channels:  d[c] = in[c] - in_zero_point,  square[c] = sum over e = c - half .. c + half of d[e]^2
///   out[c] = clamp(rne(d[c] * (bias + factor * square[c])^(-3/4) * steps) + zero_point, lo, hi), NaN as 0
///
/// in       rows x n codes, u8 or s8
/// out      rows x n codes, u8 or s8 as lo and hi say; lo <= zero_point <= hi
/// factor   of the squares of codes: alpha / size * scale of the input squared; factor >= 0, bias > 0
/// steps    scale of the input / scale of the output
/// scratch  kRowsTogether * 2 * (n + half) + 32 f32
/// All in f32: square by fma from the lowest channel up, 0 outside the row; v = fma(factor, square, bias). v^(-3/4) = q^3 * P(h) with q the
/// float whose bits are kQuarterRoot - bits(v) / 4, q2 = q * q, h = fma(-(v * q2), q2, 1), which lies within +-1/8, and P of degree 5 near
/// (1 - h)^(-3/4), 6e-8 off relatively, one fma a step: ((q2 * q) * P(h) * d) * steps. All variants give the same bits.
struct LocalResponseArgs {
  static constexpr size_t kRowsTogether = 8;
  const uint8_t* in;
  uint8_t* out;
  float* scratch;
  size_t rows, n, half;
  bool in_signed;
  int32_t in_zero_point;
  float factor, bias, steps;
  int32_t zero_point, lo, hi;
};
struct LocalResponse {
  using Args = LocalResponseArgs;
  using Fn = void(const LocalResponseArgs&);
};

inline constexpr int32_t kQuarterRoot = 0x4F580000;
/// P, the constant first: least relative error on [-0.1211, 0.1250].
inline constexpr float kThreeQuarters[6] = {1.00000006f, 0.75000039f, 0.65618230f, 0.60138464f, 0.57581683f, 0.55442699f};

}  // namespace qtool::kernels
