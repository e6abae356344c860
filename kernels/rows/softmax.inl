#include <bit>
#include <cmath>

#include "kernels/registry.h"
#include "kernels/rows/rows.inl"

namespace qtool::kernels {
namespace {

/// 2^t for t <= 0, NaN for NaN. Two factors, so that results below the normal numbers are rounded once.
inline float power_of_two(float t) {
  const float bounded = t > -252.0f ? t : -252.0f;
  const float whole = std::floor(bounded), r = bounded - whole;
  float p = kPowerOfTwo[4];
  for (int c = 3; c >= 0; --c) p = std::fma(p, r, kPowerOfTwo[c]);
  p = std::fma(p, r, 1.0f);
  const auto k = static_cast<int32_t>(whole);
  const auto first = std::bit_cast<float>((k / 2 + 127) << 23), second = std::bit_cast<float>((k - k / 2 + 127) << 23);
  const float result = p * first * second;
  return t != t ? t : result;
}

float largest(const float* in, size_t n) {
  float top = in[0];
  for (size_t i = 0; i < n; ++i) top = greater(top, in[i]);
  return top;
}

void exponentials(const float* in, float* out, size_t n) {
  constexpr float kLog2e = 1.44269504f;
  const float top = largest(in, n);
#pragma GCC ivdep
  for (size_t i = 0; i < n; ++i) out[i] = power_of_two((in[i] - top) * kLog2e);
}

void softmax_any(const SoftmaxArgs& args) {
  for (size_t r = 0; r < args.rows; ++r) {
    float* e = args.out + (args.codes ? 0 : r * args.n);
    exponentials(args.in + r * args.n, e, args.n);
    const float total = lane_sum(args.n, [e](size_t i) { return e[i]; });
    const float factor = 1.0f / (args.codes ? total * args.scale : total);
    if (args.codes)
      for (size_t i = 0; i < args.n; ++i) args.codes[r * args.n + i] = code_of(e[i] * factor, args.zero_point, args.lo, args.hi);
    else
      for (size_t i = 0; i < args.n; ++i) e[i] *= factor;
  }
}

}  // namespace
}  // namespace qtool::kernels
