#include "kernels/codes/codes_neon.inl"
#include "kernels/registry.h"

namespace qtool::kernels {

// fcvtns rounds to nearest even, saturates, and turns NaN to 0.
void quantize_neon(const QuantizeArgs& args) {
  const float32x4_t scale = vdupq_n_f32(args.scale);
  const float* in = args.in;
  uint8_t* out = args.out;
  const auto steps = [&](size_t i) { return vcvtnq_s32_f32(vdivq_f32(vld1q_f32(in + i), scale)); };
  with_codes(args.zero_point, args.lo, args.hi, [&](const auto& codes) {
    by_sixteen(
        args, args.n, [&](size_t i) { vst1q_u8(out + i, codes(steps(i), steps(i + 4), steps(i + 8), steps(i + 12))); },
        [](QuantizeArgs& rest, size_t i) { rest.in += i, rest.out += i, rest.n -= i; }, quantize_scalar);
  });
}

}  // namespace qtool::kernels
