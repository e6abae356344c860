#pragma once
// exp, erf, tanh and sigmoid in plain float arithmetic, so that the compiler can vectorize them and every instruction set gives
// the same bits.

#include <bit>
#include <cmath>
#include <cstdint>

namespace qtool::kernels {
namespace {

/// 2^k * e^r with x = k ln 2 + r, |r| <= ln 2 / 2; e^r by its Taylor series up to r^7 / 7! (remainder below 1e-9).
inline float exp_of(float x) {
  constexpr float kLog2e = 1.44269504f, kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f, kToInteger = 12582912.0f;  // 1.5 * 2^23
  const float bounded = x > 88.8f ? 88.8f : (x < -87.0f ? -87.0f : x);
  const float shifted = bounded * kLog2e + kToInteger;
  const float k = shifted - kToInteger;
  const float r = (bounded - k * kLn2High) - k * kLn2Low;
  float p = 1.0f / 5040;
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  const auto half = std::bit_cast<float>((static_cast<int32_t>(k) - 1 + 127) << 23);  // 2^(k - 1): k may be 128
  const float result = p * half * 2.0f;
  return x < -87.0f ? 0.0f : (x != x ? x : result);
}

inline float sigmoid_of(float x) { return 1.0f / (1.0f + exp_of(-x)); }

/// 1 - 2 / (e^2x + 1), and a series where that cancels.
inline float tanh_of(float x) {
  const float squared = x * x;
  const float series = x * (1.0f + squared * (-1.0f / 3 + squared * (2.0f / 15 + squared * (-17.0f / 315))));
  const float quotient = 1.0f - 2.0f / (exp_of(2.0f * x) + 1.0f);
  return squared < 0.03f ? series : quotient;
}

/// Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26; a series near 0.
inline float erf_of(float x) {
  const float magnitude = x < 0 ? -x : x;
  const float t = 1.0f / (1.0f + 0.3275911f * magnitude);
  const float polynomial = ((((1.061405429f * t - 1.453152027f) * t + 1.421413741f) * t - 0.284496736f) * t + 0.254829592f) * t;
  const float tail = 1.0f - polynomial * exp_of(-magnitude * magnitude);
  const float signed_tail = x < 0 ? -tail : tail;
  const float squared = x * x;
  const float series = 1.12837917f * x * (1.0f + squared * (-1.0f / 3 + squared * (1.0f / 10 + squared * (-1.0f / 42))));
  return squared < 0.05f ? series : signed_tail;
}

inline float lesser(float a, float b) { return a < b ? a : b; }
inline float greater(float a, float b) { return a > b ? a : b; }

}  // namespace
}  // namespace qtool::kernels
