// Four panels at once, two registers each, so that sums do not wait for each other.
#include <arm_neon.h>

#include <algorithm>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

#define QTOOL_INLINE __attribute__((always_inline)) inline

constexpr size_t kPanel = FloatGemmPacking::kColumns;

struct Eight {
  float32x4_t low, high;
};

QTOOL_INLINE Eight eight(const float* from) { return {vld1q_f32(from), vld1q_f32(from + 4)}; }
QTOOL_INLINE Eight weights(int8x8_t codes, Eight scale) {
  const int16x8_t wide = vmovl_s8(codes);
  return {vmulq_f32(vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide))), scale.low),
          vmulq_f32(vcvtq_f32_s32(vmovl_s16(vget_high_s16(wide))), scale.high)};
}
QTOOL_INLINE void add(Eight& y, float x, Eight w) { y.low = vfmaq_n_f32(y.low, w.low, x), y.high = vfmaq_n_f32(y.high, w.high, x); }

QTOOL_INLINE Eight take(const float* from, size_t columns) {
  if (columns >= kPanel) return eight(from);
  float few[kPanel] = {};
  std::copy_n(from, columns, few);
  return eight(few);
}
QTOOL_INLINE float32x4_t clamped(float32x4_t y, const GemvRow& args) {
  return vminq_f32(vmaxq_f32(y, vdupq_n_f32(args.lo)), vdupq_n_f32(args.hi));
}
QTOOL_INLINE void put(const GemvRow& args, float* to, Eight y, size_t columns) {
  float all[kPanel];
  float* const where = columns >= kPanel ? to : all;
  vst1q_f32(where, clamped(y.low, args)), vst1q_f32(where + 4, clamped(y.high, args));
  if (columns < kPanel) std::copy_n(all, columns, to);
}

template <class T>
QTOOL_INLINE const T* of_group(const GemvRow& args, const T* values, size_t panel, size_t group) {
  return values + (panel * args.groups() + group) * kPanel;
}

template <size_t kPanels>
QTOOL_INLINE void add_group(const GemvBytesArgs& args, size_t panel, size_t group, size_t first, size_t last, Eight (&y)[kPanels]) {
  Eight scale[kPanels];
  const int8_t* codes[kPanels];
  for (size_t p = 0; p < kPanels; ++p) {
    scale[p] = eight(of_group(args, args.scale, panel + p, group));
    codes[p] = args.codes + (panel + p) * args.panel_bytes();
  }
  for (size_t k = first; k < last; ++k) {
    const float x = args.in[k];
    for (size_t p = 0; p < kPanels; ++p) add(y[p], x, weights(vld1_s8(codes[p] + k * 8), scale[p]));
  }
}

QTOOL_INLINE Eight even(uint8x8_t codes, uint8x8_t zero, Eight scale) {
  return weights(vreinterpret_s8_u8(vsub_u8(vand_u8(codes, vdup_n_u8(15)), zero)), scale);
}
QTOOL_INLINE Eight odd(uint8x8_t codes, uint8x8_t zero, Eight scale) {
  return weights(vreinterpret_s8_u8(vsub_u8(vshr_n_u8(codes, 4), zero)), scale);
}

template <size_t kPanels>
QTOOL_INLINE void add_group(const GemvNibblesArgs& args, size_t panel, size_t group, size_t first, size_t last, Eight (&y)[kPanels]) {
  Eight scale[kPanels];
  uint8x8_t zero[kPanels];
  const uint8_t* codes[kPanels];
  for (size_t p = 0; p < kPanels; ++p) {
    scale[p] = eight(of_group(args, args.scale, panel + p, group)), zero[p] = vld1_u8(of_group(args, args.zero, panel + p, group));
    codes[p] = args.codes + (panel + p) * args.panel_bytes();
  }
  size_t k = first;
  for (; k + 2 <= last; k += 2) {
    const float x = args.in[k], next = args.in[k + 1];
    for (size_t p = 0; p < kPanels; ++p) {
      const uint8x8_t pair = vld1_u8(codes[p] + k * 4);
      add(y[p], x, even(pair, zero[p], scale[p]));
      add(y[p], next, odd(pair, zero[p], scale[p]));
    }
  }
  if (k == last) return;
  for (size_t p = 0; p < kPanels; ++p) add(y[p], args.in[k], even(vld1_u8(codes[p] + k * 4), zero[p], scale[p]));
}

template <size_t kPanels, class Args>
void columns(const Args& args, size_t panel) {
  const auto left = [&](size_t p) { return args.packing.n - (panel + p) * kPanel; };
  Eight y[kPanels];
  for (size_t p = 0; p < kPanels; ++p) y[p] = take(args.start + (panel + p) * kPanel, left(p));
  for (size_t k = 0, group = 0; k < args.packing.depth; k += args.group, ++group)
    add_group(args, panel, group, k, std::min(k + args.group, args.packing.depth), y);
  for (size_t p = 0; p < kPanels; ++p) put(args, args.out + (panel + p) * kPanel, y[p], left(p));
}

template <class Args>
void gemv(const Args& args) {
  size_t panel = 0;
  for (; panel + 4 <= args.packing.panels(); panel += 4) columns<4>(args, panel);
  for (; panel < args.packing.panels(); ++panel) columns<1>(args, panel);
}

}  // namespace

void gemv_bytes_neon(const GemvBytesArgs& args) { gemv(args); }
void gemv_nibbles_neon(const GemvNibblesArgs& args) { gemv(args); }

}  // namespace qtool::kernels
