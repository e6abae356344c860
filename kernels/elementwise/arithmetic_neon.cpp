// Sums and products of codes in fixed point: a result with some twenty binary places whose distance from the exact chain of f32 is bounded.
// Where a fraction says that it may lie on either side of a tie, the block of codes is computed by that chain, step by step.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "kernels/codes/codes_neon.inl"
#include "kernels/registry.h"

#define QTOOL_INLINE __attribute__((always_inline)) inline

namespace qtool::kernels {
namespace {

/// Flipping the top bit makes s8 codes u8 codes with a zero point 128 higher, so one widening serves both.
struct Operand {
  explicit Operand(const ArithmeticOperand& x)
      : codes(x.codes),
        repeated(x.repeated),
        flip(vdupq_n_u8(x.is_signed ? 128 : 0)),
        zero(vdupq_n_u8(static_cast<uint8_t>(zero_of(x)))),
        scale(vdupq_n_f32(x.scale)) {
    if (repeated) all(vdupq_n_u8(*codes), constant);
  }
  static int32_t zero_of(const ArithmeticOperand& x) { return x.zero_point + (x.is_signed ? 128 : 0); }
  static bool applies(const ArithmeticOperand& x) { return zero_of(x) >= 0 && zero_of(x) <= 255 && x.scale < 1e30f; }
  /// Of a code less its zero point.
  static double most(const ArithmeticOperand& x) { return std::max(zero_of(x), 255 - zero_of(x)); }

  QTOOL_INLINE void all(uint8x16_t bytes, float32x4_t (&to)[4]) const {
    const uint8x16_t x = veorq_u8(bytes, flip);
    const int16x8_t low = vreinterpretq_s16_u16(vsubl_u8(vget_low_u8(x), vget_low_u8(zero)));
    const int16x8_t high = vreinterpretq_s16_u16(vsubl_high_u8(x, zero));
    to[0] = real(vmovl_s16(vget_low_s16(low))), to[1] = real(vmovl_high_s16(low));
    to[2] = real(vmovl_s16(vget_low_s16(high))), to[3] = real(vmovl_high_s16(high));
  }
  QTOOL_INLINE float32x4_t real(int32x4_t x) const { return vmulq_f32(vcvtq_f32_s32(x), scale); }
  template <bool kRepeated>
  QTOOL_INLINE void at(size_t i, float32x4_t (&to)[4]) const {
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
QTOOL_INLINE float32x4_t apply(float32x4_t a, float32x4_t b) {
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

/// The chain of the contract. From element `from` on, n of them.
template <ArithmeticOp op, bool kA, bool kB>
__attribute__((noinline)) void each(ArithmeticArgs args, size_t from, size_t n) {
  const auto advance = [](ArithmeticArgs& rest, size_t i) {
    rest.out += i, rest.n -= i;
    if (!rest.a.repeated) rest.a.codes += i;
    if (!rest.b.repeated) rest.b.codes += i;
  };
  advance(args, from);
  args.n = n;
  const Operand a(args.a), b(args.b);
  const Codes codes(args.zero_point, bounded(args.low, args), bounded(args.high, args));
  const float32x4_t scale = vdupq_n_f32(args.scale);
  uint8_t* out = args.out;
  by_sixteen(
      args, n,
      [&](size_t i) {
        float32x4_t x[4], y[4];
        int32x4_t steps[4];
        a.at<kA>(i, x);
        b.at<kB>(i, y);
        for (size_t k = 0; k < 4; ++k) steps[k] = vcvtnq_s32_f32(vdivq_f32(apply<op>(x[k], y[k]), scale));
        vst1q_u8(out + i, codes(steps[0], steps[1], steps[2], steps[3]));
      },
      advance, arithmetic_scalar);
}

/// What a fixed point of kPlaces binary places holds: t = 2^kPlaces * (steps + zero point + 1/2 + off), 0 <= off <= 2^-kPlaces * slack, the
/// zero point 128 lower for u8. Its whole part is the code unless the fraction is within the slack.
template <int kPlaces>
struct Fixed {
  static constexpr int kBelow = kPlaces - 16;
  static constexpr double kOne = 1 << kPlaces;

  /// The constant that is added, given the bound `error` of the rest; units of 2^-kPlaces.
  double constant(const ArithmeticArgs& args, double error) {
    slack = static_cast<uint32_t>(std::ceil(2 * error)) + 1;
    return kOne * (args.zero_point - (args.hi > 127 ? 128 : 0) + 0.5) + error;
  }
  static QTOOL_INLINE int8x8_t codes(int32x4_t low, int32x4_t high) {
    return vqshrn_n_s16(vuzp2q_s16(vreinterpretq_s16_s32(low), vreinterpretq_s16_s32(high)), kBelow);
  }
  static QTOOL_INLINE uint16x8_t fractions(int32x4_t low, int32x4_t high) {
    return vreinterpretq_u16_s16(vshrn_high_n_s32(vshrn_n_s32(low, kBelow), high, kBelow));
  }
  uint32_t least_fraction() const { return (slack >> kBelow) + 1; }

  uint32_t slack = 0;
};

constexpr size_t kWorthSetting = 256;  ///< codes; the chain is quicker for fewer

bool usual(float scale) { return scale >= 1e-30f && scale <= 1e30f; }

int32_t wrapped(int64_t x) { return static_cast<int32_t>(static_cast<uint32_t>(static_cast<uint64_t>(x))); }

/// t = a * factor_a + b * factor_b + constant modulo 2^32, a and b as bytes. tbl puts each byte into 32 bits and, above those of a, the
/// 24 bits that make the constant out of factor_a, which is odd and so has an inverse.
struct Sum : Fixed<21> {
  /// False where the results reach beyond what t holds.
  bool set(const ArithmeticArgs& args, bool subtract) {
    const double scale = args.scale, a = args.a.scale / scale, b = args.b.scale / scale, most_a = Operand::most(args.a),
                 most_b = Operand::most(args.b), most = most_a * a + most_b * b;
    if (!(most < 800) || !usual(args.a.scale) || !usual(args.b.scale) || !usual(args.scale)) return false;
    const int32_t m = 2 * static_cast<int32_t>(a * kOne / 2) + 1, n = static_cast<int32_t>(b * kOne) * (subtract ? -1 : 1);
    const double error = most_a + most_b + 128 + kOne * most * 0x1p-22;
    const double whole =
        constant(args, error) - static_cast<double>(m) * Operand::zero_of(args.a) - static_cast<double>(n) * Operand::zero_of(args.b);
    uint32_t inverse = static_cast<uint32_t>(m);  // right to 3 bits, then 6, 12, 24
    for (int i = 0; i < 3; ++i) inverse *= 2 - static_cast<uint32_t>(m) * inverse;
    const uint32_t above = static_cast<uint32_t>(static_cast<int64_t>(std::floor(whole / 256 + 0.5))) * inverse;
    uint8_t bytes[16] = {static_cast<uint8_t>(above), static_cast<uint8_t>(above >> 8), static_cast<uint8_t>(above >> 16)};
    constants = vld1q_u8(bytes), factor_a = vdupq_n_s32(m), factor_b = vdupq_n_s32(n);
    for (size_t g = 0; g < 8; ++g) {
      uint8_t places[16];
      for (size_t j = 0; j < 16; ++j) places[j] = static_cast<uint8_t>(j % 4 == 0 ? 4 * g + j / 4 : 31 + j % 4);
      index[g] = vld1q_u8(places);
      asm("" : "+w"(index[g]));  // is to stay in its register
    }
    flip_a = Operand(args.a).flip, flip_b = Operand(args.b).flip;
    return true;
  }

  QTOOL_INLINE void operator()(const uint8_t* from_a, const uint8_t* from_b, int32x4_t (&t)[8]) const {
    register uint8x16_t a0 asm("v0") = veorq_u8(vld1q_u8(from_a), flip_a), a1 asm("v1") = veorq_u8(vld1q_u8(from_a + 16), flip_a);
    register uint8x16_t above asm("v2") = constants;
    register uint8x16_t b0 asm("v3") = veorq_u8(vld1q_u8(from_b), flip_b), b1 asm("v4") = veorq_u8(vld1q_u8(from_b + 16), flip_b);
#pragma GCC unroll 8
    for (size_t g = 0; g < 8; ++g) {  // in assembly, or the tables would be copied together for every look-up
      int32x4_t x, y;
      asm("tbl %0.16b, {v0.16b-v2.16b}, %1.16b" : "=w"(x) : "w"(index[g]), "w"(a0), "w"(a1), "w"(above));
      asm("tbl %0.16b, {v3.16b-v4.16b}, %1.16b" : "=w"(y) : "w"(index[g]), "w"(b0), "w"(b1));
      t[g] = vmlaq_s32(vmulq_s32(x, factor_a), y, factor_b);
    }
  }

  uint8x16_t constants, index[8], flip_a, flip_b;
  int32x4_t factor_a, factor_b;
};

/// t = (a - zero) * (b - zero) * 2^14 * factor / 2^31 + constant.
template <bool kSignedA, bool kSignedB>
struct Product : Fixed<20> {
  bool set(const ArithmeticArgs& args, bool) {
    const double factor_of_one = static_cast<double>(args.a.scale) * args.b.scale / args.scale;
    const double most = Operand::most(args.a) * Operand::most(args.b) * factor_of_one;
    if (!(most < 1500) || !(factor_of_one < 0x1p-6) || !usual(args.a.scale) || !usual(args.b.scale) || !usual(args.scale)) return false;
    if (!usual(args.a.scale * args.b.scale)) return false;
    const double error = kOne * most * 0x1p-21 + 2;
    factor = vdupq_n_s32(static_cast<int32_t>(factor_of_one * 0x1p37));
    sum = vdupq_n_s32(wrapped(static_cast<int64_t>(constant(args, error))));
    zero_a = vdupq_n_u8(static_cast<uint8_t>(args.a.zero_point)), zero_b = vdupq_n_u8(static_cast<uint8_t>(args.b.zero_point));
    return true;
  }

  template <bool kSigned>
  static QTOOL_INLINE void wide(const uint8_t* from, uint8x16_t zero, int16x8_t (&to)[2]) {
    const uint8x16_t x = vld1q_u8(from);
    const int8x16_t s = vreinterpretq_s8_u8(x), z = vreinterpretq_s8_u8(zero);
    to[0] = kSigned ? vsubl_s8(vget_low_s8(s), vget_low_s8(z)) : vreinterpretq_s16_u16(vsubl_u8(vget_low_u8(x), vget_low_u8(zero)));
    to[1] = kSigned ? vsubl_high_s8(s, z) : vreinterpretq_s16_u16(vsubl_high_u8(x, zero));
    to[0] = vshlq_n_s16(to[0], 7), to[1] = vshlq_n_s16(to[1], 7);
  }
  QTOOL_INLINE void operator()(const uint8_t* from_a, const uint8_t* from_b, int32x4_t (&t)[8]) const {
    for (size_t h = 0; h < 4; ++h) {
      int16x8_t a[2], b[2];
      wide<kSignedA>(from_a + h / 2 * 16, zero_a, a), wide<kSignedB>(from_b + h / 2 * 16, zero_b, b);
      const int16x8_t x = a[h % 2], y = b[h % 2];
      t[2 * h] = vaddq_s32(vqdmulhq_s32(vmull_s16(vget_low_s16(x), vget_low_s16(y)), factor), sum);
      t[2 * h + 1] = vaddq_s32(vqdmulhq_s32(vmull_high_s16(x, y), factor), sum);
    }
  }

  int32x4_t factor, sum;
  uint8x16_t zero_a, zero_b;
};

/// Blocks of 32 codes in fixed point, the others by the chain; all that is left too where ties are no exception.
template <ArithmeticOp op, bool kClamped, class Fixed>
void in_fixed_point(const ArithmeticArgs& args, const Fixed fixed) {
  const int32_t base = args.hi > 127 ? 128 : 0, lowest = bounded(args.low, args), highest = bounded(args.high, args);
  const int8x16_t lo = vdupq_n_s8(static_cast<int8_t>(lowest - base)), hi = vdupq_n_s8(static_cast<int8_t>(highest - base));
  const uint8x16_t flip = vdupq_n_u8(static_cast<uint8_t>(base));
  const uint8_t *a = args.a.codes, *b = args.b.codes;
  uint8_t* out = args.out;
  const uint32_t least = fixed.least_fraction();
  const size_t n = args.n;
  size_t i = 0, redone = 0;
  for (; i + 32 <= n; i += 32, a += 32, b += 32, out += 32) {
    int32x4_t t[8];
    fixed(a, b, t);
    const uint16x8_t nearest = vminq_u16(vminq_u16(Fixed::fractions(t[0], t[1]), Fixed::fractions(t[2], t[3])),
                                         vminq_u16(Fixed::fractions(t[4], t[5]), Fixed::fractions(t[6], t[7])));
    if (__builtin_expect(vminvq_u16(nearest) < least, 0)) {
      if (++redone > 4 + i / 256) break;
      each<op, false, false>(args, i, 32);
      continue;
    }
    for (size_t h = 0; h < 2; ++h) {
      int8x16_t codes = vcombine_s8(Fixed::codes(t[4 * h], t[4 * h + 1]), Fixed::codes(t[4 * h + 2], t[4 * h + 3]));
      if (kClamped) codes = vminq_s8(vmaxq_s8(codes, lo), hi);
      vst1q_u8(out + 16 * h, veorq_u8(vreinterpretq_u8_s8(codes), flip));
    }
  }
  each<op, false, false>(args, i, n - i);
}

template <ArithmeticOp op, class Fixed>
void with(const ArithmeticArgs& args) {
  if (args.a.repeated) return each<op, true, false>(args, 0, args.n);
  if (args.b.repeated) return each<op, false, true>(args, 0, args.n);
  if (args.n < kWorthSetting) return each<op, false, false>(args, 0, args.n);
  Fixed fixed;
  if (!fixed.set(args, op == ArithmeticOp::sub)) return each<op, false, false>(args, 0, args.n);
  const bool clamped = bounded(args.high, args) - bounded(args.low, args) < 255;
  clamped ? in_fixed_point<op, true>(args, fixed) : in_fixed_point<op, false>(args, fixed);
}

void multiply(const ArithmeticArgs& args) {
  constexpr auto kMul = ArithmeticOp::mul;
  if (args.a.is_signed) return args.b.is_signed ? with<kMul, Product<true, true>>(args) : with<kMul, Product<true, false>>(args);
  args.b.is_signed ? with<kMul, Product<false, true>>(args) : with<kMul, Product<false, false>>(args);
}

}  // namespace

// Division, where 0 / 0 is to be told from numbers, and values near the end of f32 are left to the scalar twin.
void arithmetic_neon(const ArithmeticArgs& args) {
  const bool applies =
      Operand::applies(args.a) && Operand::applies(args.b) && !(args.a.repeated && args.b.repeated) && args.low <= args.high;
  if (!applies || args.op == ArithmeticOp::div || (args.op == ArithmeticOp::mul && args.a.scale * args.b.scale > 1e30f))
    return arithmetic_scalar(args);
  if (args.op == ArithmeticOp::add) return with<ArithmeticOp::add, Sum>(args);
  args.op == ArithmeticOp::sub ? with<ArithmeticOp::sub, Sum>(args) : multiply(args);
}

}  // namespace qtool::kernels
