// A row of the panel two registers.
#include <arm_neon.h>

#include <algorithm>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

struct Scales {
  float32x4_t low, high;
};

inline Scales scales_at(const float* eight) { return {vld1q_f32(eight), vld1q_f32(eight + 4)}; }
inline void store_row(float* out, int8x8_t codes, Scales scale) {
  const int16x8_t wide = vmovl_s8(codes);
  vst1q_f32(out, vmulq_f32(vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide))), scale.low));
  vst1q_f32(out + 4, vmulq_f32(vcvtq_f32_s32(vmovl_s16(vget_high_s16(wide))), scale.high));
}

inline void widen_group(const int8_t* codes, Scales scale, float* out, size_t rows) {
  for (size_t k = 0; k < rows; ++k) store_row(out + k * 8, vld1_s8(codes + k * 8), scale);
}

inline void widen_group(const uint8_t* codes, uint8x8_t zero, Scales scale, float* out, size_t rows) {
  for (size_t k = 0; k < rows; k += 2, codes += 8) {
    const uint8x8_t pair = vld1_u8(codes);
    store_row(out + k * 8, vreinterpret_s8_u8(vsub_u8(vand_u8(pair, vdup_n_u8(15)), zero)), scale);
    if (k + 1 < rows) store_row(out + k * 8 + 8, vreinterpret_s8_u8(vsub_u8(vshr_n_u8(pair, 4), zero)), scale);
  }
}

}  // namespace

void widen_neon(const WidenArgs& args) {
  for (size_t k = 0, g = 0; k < args.rows; k += args.group, ++g)
    widen_group(args.codes + k * 8, scales_at(args.scale + g * 8), args.out + k * 8, std::min(args.group, args.rows - k));
}

void widen_nibbles_neon(const WidenNibblesArgs& args) {
  for (size_t k = 0, g = 0; k < args.rows; k += args.group, ++g)
    widen_group(args.codes + k * 4, vld1_u8(args.zero + g * 8), scales_at(args.scale + g * 8), args.out + k * 8,
                std::min(args.group, args.rows - k));
}

}  // namespace qtool::kernels
