#include "kernels/codes/codes_neon.inl"
#include "kernels/registry.h"

namespace qtool::kernels {

// Codes less their zero point, both as bytes, fit 16 bits.
void dequantize_neon(const DequantizeArgs& args) {
  const uint8_t* in = args.in;
  float* out = args.out;
  const int32_t base = args.is_signed ? 128 : 0;
  if (args.zero_point + base < 0 || args.zero_point + base > 255) return dequantize_scalar(args);
  const uint8x16_t flip = vdupq_n_u8(static_cast<uint8_t>(base)), zero = vdupq_n_u8(static_cast<uint8_t>(args.zero_point + base));
  const float32x4_t scale = vdupq_n_f32(args.scale);
  const auto real = [&](int16x8_t x, float* to) {
    vst1q_f32(to, vmulq_f32(vcvtq_f32_s32(vmovl_s16(vget_low_s16(x))), scale));
    vst1q_f32(to + 4, vmulq_f32(vcvtq_f32_s32(vmovl_high_s16(x)), scale));
  };
  by_sixteen(
      args, args.n,
      [&](size_t i) {
        const uint8x16_t x = veorq_u8(vld1q_u8(in + i), flip);
        real(vreinterpretq_s16_u16(vsubl_u8(vget_low_u8(x), vget_low_u8(zero))), out + i);
        real(vreinterpretq_s16_u16(vsubl_high_u8(x, zero)), out + i + 8);
      },
      [](DequantizeArgs& rest, size_t i) { rest.in += i, rest.out += i, rest.n -= i; }, dequantize_scalar);
}

}  // namespace qtool::kernels
