// A row of the panel two registers.
#include <arm_neon.h>

#include "kernels/registry.h"

namespace qtool::kernels {

void widen_neon(const WidenArgs& args) {
  const float32x4_t low = vld1q_f32(args.scale), high = vld1q_f32(args.scale + 4);
  for (size_t k = 0; k < args.rows; ++k) {
    const int16x8_t codes = vmovl_s8(vld1_s8(args.codes + k * 8));
    vst1q_f32(args.out + k * 8, vmulq_f32(vcvtq_f32_s32(vmovl_s16(vget_low_s16(codes))), low));
    vst1q_f32(args.out + k * 8 + 4, vmulq_f32(vcvtq_f32_s32(vmovl_s16(vget_high_s16(codes))), high));
  }
}

}  // namespace qtool::kernels
