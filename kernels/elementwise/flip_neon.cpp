#include <arm_neon.h>

#include "kernels/registry.h"

namespace qtool::kernels {

void flip_neon(const FlipArgs& args) {
  const uint8_t* in = args.in;
  uint8_t* out = args.out;
  const size_t n = args.n;
  const uint8x16_t top = vdupq_n_u8(0x80);
  size_t i = 0;
  for (; i + 64 <= n; i += 64) {
    uint8x16_t x[4];
    for (size_t k = 0; k < 4; ++k) x[k] = veorq_u8(vld1q_u8(in + i + 16 * k), top);
    for (size_t k = 0; k < 4; ++k) vst1q_u8(out + i + 16 * k, x[k]);
  }
  for (; i + 16 <= n; i += 16) vst1q_u8(out + i, veorq_u8(vld1q_u8(in + i), top));
  for (; i < n; ++i) out[i] = in[i] ^ 0x80;
}

}  // namespace qtool::kernels
