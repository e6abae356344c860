#include "kernels/codes/codes_neon.inl"
#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

/// Codes less their zero point, both as bytes, fit 16 bits.
template <bool kSigned>
void dequantize(const DequantizeArgs& args) {
  const uint8_t* in = args.in;
  float* out = args.out;
  const uint8x16_t zero = vdupq_n_u8(static_cast<uint8_t>(args.zero_point));
  const float32x4_t scale = vdupq_n_f32(args.scale);
  const auto differences = [zero](uint8x16_t x, size_t half) {
    const int8x16_t s = vreinterpretq_s8_u8(x), z = vreinterpretq_s8_u8(zero);
    if (kSigned) return half ? vsubl_high_s8(s, z) : vsubl_s8(vget_low_s8(s), vget_low_s8(z));
    return vreinterpretq_s16_u16(half ? vsubl_high_u8(x, zero) : vsubl_u8(vget_low_u8(x), vget_low_u8(zero)));
  };
  const auto real = [&](int16x8_t x, float* to) {
    vst1q_f32(to, vmulq_f32(vcvtq_f32_s32(vmovl_s16(vget_low_s16(x))), scale));
    vst1q_f32(to + 4, vmulq_f32(vcvtq_f32_s32(vmovl_high_s16(x)), scale));
  };
  by_sixteen(
      args, args.n,
      [&](size_t i) {
        const uint8x16_t x = vld1q_u8(in + i);
        real(differences(x, 0), out + i);
        real(differences(x, 1), out + i + 8);
      },
      [](DequantizeArgs& rest, size_t i) { rest.in += i, rest.out += i, rest.n -= i; }, dequantize_scalar);
}

}  // namespace

void dequantize_neon(const DequantizeArgs& args) {
  const int32_t lowest = args.is_signed ? -128 : 0;
  if (args.zero_point < lowest || args.zero_point > lowest + 255) return dequantize_scalar(args);
  args.is_signed ? dequantize<true>(args) : dequantize<false>(args);
}

}  // namespace qtool::kernels
