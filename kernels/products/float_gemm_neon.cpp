// Tiles of 8, 4, 2 and 1 rows by 8 columns; four floats of every row a turn, each times a row of the panel.
#include <arm_neon.h>

#include <cstring>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

#define QTOOL_INLINE __attribute__((always_inline)) inline

/// Rows of a tile from one tap on.
template <size_t kRows>
struct Rows {
  const float* at[kRows];
  QTOOL_INLINE Rows(const FloatGemmArgs& args, size_t i, size_t t) {
    for (size_t r = 0; r < kRows; ++r)
      at[r] = args.offsets ? args.a + args.offsets[t * args.offsets_step + i + r] : args.a + (i + r) * args.a_stride;
  }
};

template <size_t kRows, int kLane>
QTOOL_INLINE void add_row(const float* b, const float32x4_t (&a)[kRows], float32x4_t (&y)[2 * kRows]) {
  const float32x4_t low = vld1q_f32(b), high = vld1q_f32(b + 4);
  for (size_t r = 0; r < kRows; ++r) {
    y[2 * r] = vfmaq_laneq_f32(y[2 * r], low, a[r], kLane);
    y[2 * r + 1] = vfmaq_laneq_f32(y[2 * r + 1], high, a[r], kLane);
  }
}

template <size_t kRows>
QTOOL_INLINE void add_tap(Rows<kRows> rows, const float* b, size_t depth, float32x4_t (&y)[2 * kRows]) {
  size_t k = 0;
  for (; k + 4 <= depth; k += 4, b += 32) {
    float32x4_t a[kRows];
    for (size_t r = 0; r < kRows; ++r) a[r] = vld1q_f32(rows.at[r] + k);
    add_row<kRows, 0>(b, a, y);
    add_row<kRows, 1>(b + 8, a, y);
    add_row<kRows, 2>(b + 16, a, y);
    add_row<kRows, 3>(b + 24, a, y);
  }
  for (; k < depth; ++k, b += 8) {
    float32x4_t a[kRows];
    for (size_t r = 0; r < kRows; ++r) a[r] = vdupq_n_f32(rows.at[r][k]);
    add_row<kRows, 0>(b, a, y);
  }
}

QTOOL_INLINE void put(float* to, float32x4_t low, float32x4_t high, size_t columns) {
  if (columns == 8) {
    vst1q_f32(to, low);
    vst1q_f32(to + 4, high);
    return;
  }
  float few[8];
  vst1q_f32(few, low);
  vst1q_f32(few + 4, high);
  std::memcpy(to, few, columns * sizeof(float));
}

template <size_t kRows>
QTOOL_INLINE void tile(const FloatGemmArgs& args, size_t i, size_t n) {
  const size_t columns = args.packing.n - n < 8 ? args.packing.n - n : 8;
  const float* b = args.b + n / 8 * args.packing.panel_size();
  float32x4_t y[2 * kRows];
  for (size_t r = 0; r < kRows; ++r) y[2 * r] = vld1q_f32(args.start + n), y[2 * r + 1] = vld1q_f32(args.start + n + 4);
  for (size_t t = 0; t < args.packing.taps; ++t, b += args.packing.depth * 8) add_tap(Rows<kRows>(args, i, t), b, args.packing.depth, y);
  const float32x4_t lo = vdupq_n_f32(args.lo), hi = vdupq_n_f32(args.hi);
  for (auto& each : y) each = vminq_f32(vmaxq_f32(each, lo), hi);
  for (size_t r = 0; r < kRows; ++r) put(args.out + (i + r) * args.out_stride + n, y[2 * r], y[2 * r + 1], columns);
}

}  // namespace

void float_gemm_neon(const FloatGemmArgs& args) {
  for (size_t n = 0; n < args.packing.n; n += 8) {
    size_t i = 0;
    for (; i + 8 <= args.m; i += 8) tile<8>(args, i, n);
    if (i + 4 <= args.m) tile<4>(args, i, n), i += 4;
    if (i + 2 <= args.m) tile<2>(args, i, n), i += 2;
    if (i < args.m) tile<1>(args, i, n);
  }
}

}  // namespace qtool::kernels
