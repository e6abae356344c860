#include <arm_neon.h>

#include "kernels/registry.h"

namespace qtool::kernels {

void row_sums_neon(const RowSumsArgs& args) {
  for (size_t i = 0; i < args.m; ++i) {
    const int8_t* a = args.a + i * args.stride;
    int32x4_t sums = vdupq_n_s32(0);
    size_t k = 0;
    for (; k + 64 <= args.depth; k += 64) {
      const int8x16x4_t x = vld1q_s8_x4(a + k);
      const int16x8_t low = vpadalq_s8(vpaddlq_s8(x.val[0]), x.val[1]), high = vpadalq_s8(vpaddlq_s8(x.val[2]), x.val[3]);
      sums = vpadalq_s16(sums, vaddq_s16(low, high));
    }
    for (; k + 16 <= args.depth; k += 16) sums = vpadalq_s16(sums, vpaddlq_s8(vld1q_s8(a + k)));
    int32_t sum = vaddvq_s32(sums);
    for (; k < args.depth; ++k) sum += a[k];
    args.out[i] = args.factor * sum;
  }
}

}  // namespace qtool::kernels
