#include <arm_neon.h>

#include "kernels/registry.h"

namespace qtool::kernels {

// fminnm and fmaxnm pass NaN over where the other operand is a number, and here one always is.
void extremes_neon(const ExtremesArgs& args) {
  float32x4_t lo[4] = {}, hi[4] = {};
  size_t i = 0;
  for (; i + 16 <= args.n; i += 16) {
    const float32x4x4_t x = vld1q_f32_x4(args.in + i);
    for (size_t k = 0; k < 4; ++k) lo[k] = vminnmq_f32(lo[k], x.val[k]), hi[k] = vmaxnmq_f32(hi[k], x.val[k]);
  }
  float least = vminnmvq_f32(vminnmq_f32(vminnmq_f32(lo[0], lo[1]), vminnmq_f32(lo[2], lo[3])));
  float most = vmaxnmvq_f32(vmaxnmq_f32(vmaxnmq_f32(hi[0], hi[1]), vmaxnmq_f32(hi[2], hi[3])));
  for (; i < args.n; ++i) {
    least = args.in[i] < least ? args.in[i] : least;
    most = args.in[i] > most ? args.in[i] : most;
  }
  *args.lo = least < 0 ? least : 0.0f;  // never -0
  *args.hi = most > 0 ? most : 0.0f;
}

}  // namespace qtool::kernels
