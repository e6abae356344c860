#include <cmath>

#include "kernels/codes/codes_neon.inl"
#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

/// Flipping the top bit makes s8 codes u8 codes with a zero point 128 higher, so one widening serves both.
struct Operand {
  explicit Operand(const ArithmeticOperand& x)
      : codes(x.codes),
        repeated(x.repeated),
        flip(vdupq_n_u8(x.is_signed ? 128 : 0)),
        zero(vdupq_n_u8(static_cast<uint8_t>(x.zero_point + (x.is_signed ? 128 : 0)))),
        scale(vdupq_n_f32(x.scale)) {
    if (repeated) all(vdupq_n_u8(*codes), constant);
  }
  static bool applies(const ArithmeticOperand& x) {
    const int32_t zero_point = x.zero_point + (x.is_signed ? 128 : 0);
    return zero_point >= 0 && zero_point <= 255 && x.scale < 1e30f;
  }

  __attribute__((always_inline)) void all(uint8x16_t bytes, float32x4_t (&to)[4]) const {
    const uint8x16_t x = veorq_u8(bytes, flip);
    const int16x8_t low = vreinterpretq_s16_u16(vsubl_u8(vget_low_u8(x), vget_low_u8(zero)));
    const int16x8_t high = vreinterpretq_s16_u16(vsubl_high_u8(x, zero));
    to[0] = real(vmovl_s16(vget_low_s16(low))), to[1] = real(vmovl_high_s16(low));
    to[2] = real(vmovl_s16(vget_low_s16(high))), to[3] = real(vmovl_high_s16(high));
  }
  __attribute__((always_inline)) float32x4_t real(int32x4_t x) const { return vmulq_f32(vcvtq_f32_s32(x), scale); }
  template <bool kRepeated>
  __attribute__((always_inline)) void at(size_t i, float32x4_t (&to)[4]) const {
    if constexpr (kRepeated)
      for (size_t k = 0; k < 4; ++k) to[k] = constant[k];
    else
      all(vld1q_u8(codes + i), to);
  }

  const uint8_t* codes;
  bool repeated;
  uint8x16_t flip, zero;
  float32x4_t scale, constant[4];
};

template <ArithmeticOp op>
__attribute__((always_inline)) inline float32x4_t apply(float32x4_t a, float32x4_t b) {
  if constexpr (op == ArithmeticOp::add) return vaddq_f32(a, b);
  if constexpr (op == ArithmeticOp::sub) return vsubq_f32(a, b);
  if constexpr (op == ArithmeticOp::mul) return vmulq_f32(a, b);
  return vdivq_f32(a, b);
}

/// Rounding a quotient is monotone, so low and high may bound the codes instead of the values.
int32_t bounded(float x, const ArithmeticArgs& args) {
  const float lo = static_cast<float>(args.lo - args.zero_point), hi = static_cast<float>(args.hi - args.zero_point);
  return static_cast<int32_t>(std::fmin(std::fmax(std::nearbyint(x / args.scale), lo), hi)) + args.zero_point;
}

template <ArithmeticOp op, bool kA, bool kB>
void each(const ArithmeticArgs& args) {
  const Operand a(args.a), b(args.b);
  const Codes codes(args.zero_point, bounded(args.low, args), bounded(args.high, args));
  const float32x4_t scale = vdupq_n_f32(args.scale);
  uint8_t* out = args.out;
  by_sixteen(
      args, args.n,
      [&](size_t i) {
        float32x4_t x[4], y[4];
        int32x4_t steps[4];
        a.at<kA>(i, x);
        b.at<kB>(i, y);
        for (size_t k = 0; k < 4; ++k) steps[k] = vcvtnq_s32_f32(vdivq_f32(apply<op>(x[k], y[k]), scale));
        vst1q_u8(out + i, codes(steps[0], steps[1], steps[2], steps[3]));
      },
      [](ArithmeticArgs& rest, size_t i) {
        rest.out += i, rest.n -= i;
        if (!rest.a.repeated) rest.a.codes += i;
        if (!rest.b.repeated) rest.b.codes += i;
      },
      arithmetic_scalar);
}

template <ArithmeticOp op>
void with(const ArithmeticArgs& args) {
  if (args.a.repeated) return each<op, true, false>(args);
  args.b.repeated ? each<op, false, true>(args) : each<op, false, false>(args);
}

}  // namespace

// Division, where 0 / 0 is to be told from numbers, and values near the end of f32 are left to the scalar twin.
void arithmetic_neon(const ArithmeticArgs& args) {
  const bool applies =
      Operand::applies(args.a) && Operand::applies(args.b) && !(args.a.repeated && args.b.repeated) && args.low <= args.high;
  if (!applies || args.op == ArithmeticOp::div || (args.op == ArithmeticOp::mul && args.a.scale * args.b.scale > 1e30f))
    return arithmetic_scalar(args);
  if (args.op == ArithmeticOp::add) return with<ArithmeticOp::add>(args);
  args.op == ArithmeticOp::sub ? with<ArithmeticOp::sub>(args) : with<ArithmeticOp::mul>(args);
}

}  // namespace qtool::kernels
