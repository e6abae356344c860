#pragma once
// Scalar twins of rows_avx512.h.

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "kernels/elementwise/mathematics.inl"

namespace qtool::kernels {
namespace {

constexpr size_t kLanes = 16;

/// Sum of term(i) over i < n in 16 lanes; in the end lane l + lane l + 8, then 4, 2, 1.
template <class Term>
float lane_sum(size_t n, Term term) {
  float lanes[kLanes] = {};
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (size_t l = 0; l < kLanes; ++l) lanes[l] += term(i + l);
  for (size_t l = 0; i < n; ++i, ++l) lanes[l] += term(i);
  for (size_t half = kLanes / 2; half > 0; half /= 2)
    for (size_t l = 0; l < half; ++l) lanes[l] += lanes[l + half];
  return lanes[0];
}

/// clamp(rne(steps) + zero_point, lo, hi), NaN as 0.
inline uint8_t code_of(float steps, int32_t zero_point, int32_t lo, int32_t hi) {
  const auto least = static_cast<float>(lo - zero_point), most = static_cast<float>(hi - zero_point);
  const float inside = lesser(greater(std::nearbyint(steps), least), most);
  return static_cast<uint8_t>((steps != steps ? 0 : static_cast<int32_t>(inside)) + zero_point);
}

}  // namespace
}  // namespace qtool::kernels
