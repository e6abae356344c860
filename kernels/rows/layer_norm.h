#pragma once
#include <cstddef>
#include <cstdint>

namespace qtool::kernels {

/// Every row of n:  m = (sum of in) / n,  d[i] = in[i] - m,  e = (sum of d) / n,  variance = (sum of d^2) / n - e^2
///   y[i] = (d[i] - e) * (1 / sqrt(variance + epsilon)) * scale[i] + bias[i]        (e: what rounding left in m)
///   out[i] = y[i],  or where codes is not null  codes[i] = clamp(rne(y[i]) + zero_point, lo, hi), NaN as 0
///
/// in           rows x n f32, n >= 1
/// out          rows x n f32, may be `in`; null with codes
/// codes        rows x n bytes: u8 or s8 as lo and hi say; lo <= zero_point <= hi; who wants codes of a scale divides scale and bias by it
/// scale, bias  n f32; bias may be null (zeros)
/// Sums in 16 f32 lanes, in the end lane l + lane l + 8, then 4, 2, 1; m, e, variance and the root in f64, then rounded to f32.
struct LayerNormArgs {
  const float *in, *scale, *bias;
  float* out;
  size_t rows, n;
  float epsilon;
  uint8_t* codes = nullptr;
  int32_t zero_point = 0, lo = 0, hi = 255;
};
struct LayerNorm {
  using Args = LayerNormArgs;
  using Fn = void(const LayerNormArgs&);
};

}  // namespace qtool::kernels
