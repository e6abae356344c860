#include "kernels/codes/codes_neon.inl"
#include "kernels/registry.h"

namespace qtool::kernels {

// fcvtns rounds to nearest even, saturates, and turns NaN to 0.
void quantize_neon(const QuantizeArgs& args) {
  const Codes codes(args.zero_point, args.lo, args.hi);
  const float32x4_t scale = vdupq_n_f32(args.scale);
  const float* in = args.in;
  uint8_t* out = args.out;
  const auto steps = [&](float32x4_t x) { return vcvtnq_s32_f32(vdivq_f32(x, scale)); };
  by_sixteen(
      args, args.n,
      [&](size_t i) {
        const float32x4x4_t x = vld1q_f32_x4(in + i);
        vst1q_u8(out + i, codes(steps(x.val[0]), steps(x.val[1]), steps(x.val[2]), steps(x.val[3])));
      },
      [](QuantizeArgs& rest, size_t i) { rest.in += i, rest.out += i, rest.n -= i; }, quantize_scalar);
}

}  // namespace qtool::kernels
