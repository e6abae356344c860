#pragma once
// Lanes of rows.inl in four registers.

#include <arm_neon.h>

#include <cstddef>

namespace qtool::kernels {
namespace {

struct Lanes {
  float32x4_t part[4] = {};

  /// Adds f(x) of 16 numbers.
  template <class F>
  __attribute__((always_inline)) void add(const float32x4x4_t& x, F f) {
    for (size_t k = 0; k < 4; ++k) part[k] = vaddq_f32(part[k], f(x.val[k]));
  }

  /// Lanes to memory, for the last few numbers.
  void store(float (&to)[16]) const {
    for (size_t k = 0; k < 4; ++k) vst1q_f32(to + 4 * k, part[k]);
  }
};

/// Lane l + lane l + 8, then 4, 2, 1.
inline float total(float (&lanes)[16]) {
  for (size_t half = 8; half > 0; half /= 2)
    for (size_t l = 0; l < half; ++l) lanes[l] += lanes[l + half];
  return lanes[0];
}

}  // namespace
}  // namespace qtool::kernels
