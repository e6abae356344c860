#pragma once
#include <cstddef>
#include <cstdint>

namespace qtool::kernels {

/// Every row of n:  e[i] = 2^((in[i] - max in) * log2(e)),  total = sum of e
///   codes null:  out[i] = e[i] * (1 / total)
///   else:        codes[i] = clamp(rne(e[i] * (1 / (total * scale))) + zero_point, lo, hi), NaN as 0; out is scratch
///
/// in     rows x n f32, n >= 1
/// out    rows x n f32, may be `in`; with codes: 4 x n f32
/// codes  rows x n bytes: u8 or s8 as lo and hi say; lo <= zero_point <= hi
/// 2^t for t <= 0: 2^floor(t) times a polynomial of degree 5, one fma a step (relative error below 2e-7); the sum in 16 f32 lanes, in the
/// end lane l + lane l + 8, then 4, 2, 1. All variants give the same bits.
struct SoftmaxArgs {
  const float* in;
  float* out;
  size_t rows, n;
  uint8_t* codes = nullptr;
  float scale = 1;
  int32_t zero_point = 0, lo = 0, hi = 255;
};
struct Softmax {
  using Args = SoftmaxArgs;
  using Fn = void(const SoftmaxArgs&);
};

/// 2^r = 1 + r * (c[0] + r * (c[1] + ...)) for 0 <= r <= 1, relative error below 9e-8 (minimax, with the value at 0 kept).
inline constexpr float kPowerOfTwo[] = {0.69315130f, 0.24016444f, 0.055799913f, 0.0090170298f, 0.0018671305f};

}  // namespace qtool::kernels
