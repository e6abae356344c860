// Sums and products of codes in fixed point, 64 at once: results with some twenty binary places whose distance from those of the formula
// is bounded. Where a fraction says that the two may lie on either side of a tie, the 64 codes are computed by the formula, step by step.
#include <algorithm>
#include <cmath>

#include "kernels/codes/rounding_avx512.h"
#include "kernels/registry.h"
#include "kernels/unroll.h"

namespace qtool::kernels {
namespace {

/// Flipping the top bit makes s8 codes u8 codes with a zero point 128 higher, so one widening serves both.
struct Operand {
  explicit Operand(const ArithmeticOperand& x)
      : codes(x.codes),
        repeated(x.repeated),
        flip(_mm_set1_epi8(x.is_signed ? static_cast<char>(0x80) : 0)),
        zero_point(_mm512_set1_epi32(x.zero_point + (x.is_signed ? 128 : 0))),
        scale(_mm512_set1_ps(x.scale)),
        constant(repeated ? real(_mm_set1_epi8(static_cast<char>(*x.codes))) : _mm512_setzero_ps()) {}

  __m512 real(__m128i bytes) const {
    const __m512i centred = _mm512_sub_epi32(_mm512_cvtepu8_epi32(_mm_xor_si128(bytes, flip)), zero_point);
    return _mm512_mul_ps(_mm512_cvtepi32_ps(centred), scale);
  }
  __m512 at(size_t i) const { return repeated ? constant : real(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes + i))); }
  __m512 at(size_t i, __mmask16 mask) const { return repeated ? constant : real(_mm_maskz_loadu_epi8(mask, codes + i)); }

  const uint8_t* codes;
  bool repeated;
  __m128i flip;
  __m512i zero_point;
  __m512 scale, constant;
};

template <ArithmeticOp op>
__m512 apply(__m512 a, __m512 b) {
  if constexpr (op == ArithmeticOp::add) return _mm512_add_ps(a, b);
  if constexpr (op == ArithmeticOp::sub) return _mm512_sub_ps(a, b);
  if constexpr (op == ArithmeticOp::mul) return _mm512_mul_ps(a, b);
  if constexpr (op == ArithmeticOp::div) return _mm512_div_ps(a, b);
}

/// The formula step by step.
template <ArithmeticOp op>
class Literal {
 public:
  explicit Literal(const ArithmeticArgs& args)
      : a_(args.a),
        b_(args.b),
        scale_(_mm512_set1_ps(args.scale)),
        low_(_mm512_set1_ps(args.low)),
        high_(_mm512_set1_ps(args.high)),
        lo_(_mm512_set1_ps(static_cast<float>(args.lo - args.zero_point))),
        hi_(_mm512_set1_ps(static_cast<float>(args.hi - args.zero_point))),
        zero_point_(_mm512_set1_epi32(args.zero_point)) {}

  template <class... Mask>
  __m128i operator()(size_t i, Mask... mask) const {
    const __m512 y = apply<op>(a_.at(i, mask...), b_.at(i, mask...));
    return codes_of(_mm512_div_ps(_mm512_min_ps(_mm512_max_ps(y, low_), high_), scale_), y, lo_, hi_, zero_point_);
  }

 private:
  Operand a_, b_;
  __m512 scale_, low_, high_, lo_, hi_;
  __m512i zero_point_;
};

/// 64 codes of an operand, flipped where signed.
struct Bytes {
  explicit Bytes(const ArithmeticOperand& x)
      : codes(x.codes),
        repeated(x.repeated),
        flip(_mm512_set1_epi8(x.is_signed ? static_cast<char>(0x80) : 0)),
        constant(_mm512_set1_epi8(x.repeated ? static_cast<char>(*x.codes) : 0)) {}

  QTOOL_INLINE __m512i operator()(size_t i) const { return _mm512_xor_si512(repeated ? constant : _mm512_loadu_si512(codes + i), flip); }

  const uint8_t* codes;
  bool repeated;
  __m512i flip, constant;
};

int32_t zero_of(const ArithmeticOperand& x) { return x.zero_point + (x.is_signed ? 128 : 0); }
/// Of a code less its zero point.
double most_of(const ArithmeticOperand& x) { return std::max(std::abs(zero_of(x)), std::abs(255 - zero_of(x))); }

bool is_usual(double x) { return x >= 1e-30 && x <= 1e30; }
bool is_usual(const ArithmeticOperand& x) { return is_usual(x.scale) && zero_of(x) >= 0 && zero_of(x) <= 255; }

bool is_power_of_two(float x) {
  int exponent;
  return std::frexp(x, &exponent) == 0.5f;
}

/// Then steps with not too many bits are the same in f32.
bool are_powers_of_two(const ArithmeticArgs& args) {
  return is_power_of_two(args.a.scale) && is_power_of_two(args.b.scale) && is_power_of_two(args.scale);
}

/// With it subtracted, codes are s8.
int32_t base_of(const ArithmeticArgs& args) { return args.hi > 127 ? 128 : 0; }

constexpr double kFar = 257;  ///< steps; all results beyond are bounded to the same code

/// Results in fixed point: t = 2^places * (steps + 1/2) + off, 0 <= off < 2^n, steps being what the formula rounds. If a bit from n on and
/// below the point is set, the whole part is the rounded number. Part j, lane l of t is code 16 (l / 4) + 4 j + l % 4.
struct Fixed {
  /// Given the upper bound of off. Where that is 0, t is exact.
  void set_bits(int places, double most_off) {
    int n = 0;
    while (most_off > 0 && (1 << n) <= most_off) ++n;
    is_exact = most_off <= 0;
    fraction = _mm512_set1_epi32((1 << places) - (1 << n)), one = _mm512_set1_epi32(1 << places);
  }
  QTOOL_INLINE bool is_certain(const __m512i (&t)[4]) const {
    __mmask16 certain = _mm512_test_epi32_mask(t[0], fraction);
    for (int part = 1; part < 4; ++part) certain = _mm512_mask_test_epi32_mask(certain, t[part], fraction);
    return certain == 0xffff;
  }
  /// Exact t, and ties, which are rounded up there, to even.
  QTOOL_INLINE __m512i even(__m512i t) const { return _mm512_mask_andnot_epi32(t, _mm512_testn_epi32_mask(t, fraction), one, t); }
  /// The upper halves of x's and y's lanes.
  QTOOL_INLINE static __m512i upper(__m512i x, __m512i y) {
    const __m512i lanes = _mm512_set_epi16(63, 61, 59, 57, 31, 29, 27, 25, 55, 53, 51, 49, 23, 21, 19, 17,  //
                                           47, 45, 43, 41, 15, 13, 11, 9, 39, 37, 35, 33, 7, 5, 3, 1);
    return _mm512_permutex2var_epi16(x, lanes, y);
  }

  bool is_exact;
  __m512i fraction, one;
};

/// t = a * factor_a + b * factor_b + constant modulo 2^32, the factors and the constant in two parts: upper * 2^shift + lower.
template <bool kSubtract>
struct Sum : Fixed {
  /// False where results reach beyond what t holds.
  bool set(const ArithmeticArgs& args) {
    const double a = static_cast<double>(args.a.scale) / args.scale, b = (kSubtract ? -1.0 : 1.0) * args.b.scale / args.scale;
    const double most = most_of(args.a) * a + most_of(args.b) * std::fabs(b);
    if (!(most < 4000) || !is_usual(args.a) || !is_usual(args.b) || !is_usual(args.scale)) return false;
    int places = 22;
    while (std::ldexp(most + 2, places) >= 0x1p31) --places;
    const double in_one = 1 << places, factor_a = std::nearbyint(a * in_one), factor_b = std::nearbyint(b * in_one);
    int in_upper;
    std::frexp(std::max(factor_a, std::fabs(factor_b)), &in_upper);
    in_upper = std::max(in_upper - 15, 0);
    // Off are the factors, seen from the middle of all codes, and the formula: it rounds both terms, then sum and quotient.
    const bool exact = are_powers_of_two(args) && std::min(a, std::fabs(b)) >= 0x1p-12;
    const double middle = 127.5 * (factor_a + factor_b),
                 whole = in_one * (a * (127.5 - zero_of(args.a)) + b * (127.5 - zero_of(args.b)) + 0.5);
    const double error =
        exact ? 0 : 127.5 * (std::fabs(a * in_one - factor_a) + std::fabs(b * in_one - factor_b)) + in_one * (most + 2 * kFar) * 0x1.01p-24;
    const double start = std::ceil(std::ldexp(whole - middle + error, -in_upper));
    set_bits(places, std::ldexp(start, in_upper) - (whole - middle) + error);
    set_factors(static_cast<int32_t>(factor_a), static_cast<int32_t>(factor_b), static_cast<int64_t>(start), in_upper);
    to_whole = _mm512_set1_epi16(static_cast<short>(places - 16)),
    zero_point = _mm512_set1_epi16(static_cast<short>(args.zero_point - base_of(args)));
    return true;
  }

  QTOOL_INLINE void operator()(__m512i a, __m512i b, __m512i (&t)[4]) const {
    const __m512i none = _mm512_setzero_si512(), low = _mm512_unpacklo_epi8(a, b), high = _mm512_unpackhi_epi8(a, b);
    t[0] = sum(_mm512_unpacklo_epi8(low, none)), t[1] = sum(_mm512_unpackhi_epi8(low, none));
    t[2] = sum(_mm512_unpacklo_epi8(high, none)), t[3] = sum(_mm512_unpackhi_epi8(high, none));
  }
  QTOOL_INLINE __m512i words(__m512i x, __m512i y) const { return _mm512_add_epi16(_mm512_srav_epi16(upper(x, y), to_whole), zero_point); }

 private:
  void set_factors(int32_t a, int32_t b, int64_t start, int in_upper) {
    const auto pair = [](int32_t x, int32_t y) { return _mm512_set1_epi32((x & 0xffff) | y << 16); };
    const int32_t lower = (1 << in_upper) - 1;
    upper_factors = pair(a >> in_upper, b >> in_upper), lower_factors = pair(a & lower, b & lower);
    upper_constant = _mm512_set1_epi32(static_cast<int32_t>(start)), shift = _mm512_set1_epi32(in_upper);
  }
  QTOOL_INLINE __m512i sum(__m512i pairs) const {
    return _mm512_dpwssd_epi32(_mm512_sllv_epi32(_mm512_dpwssd_epi32(upper_constant, pairs, upper_factors), shift), pairs, lower_factors);
  }

  __m512i upper_factors, lower_factors, upper_constant, shift, to_whole, zero_point;
};

/// t are the bits of the float 1.5 * 2^(23 - places) + steps + 1/2, whose upper half counts up by ones.
struct Product : Fixed {
  bool set(const ArithmeticArgs& args) {
    const double k = static_cast<double>(args.a.scale) * args.b.scale / args.scale, most = most_of(args.a) * most_of(args.b) * k;
    if (!(most < 4000) || !is_usual(args.a) || !is_usual(args.b) || !is_usual(args.scale)) return false;
    if (!is_usual(k) || !is_usual(static_cast<double>(args.a.scale) * args.b.scale)) return false;
    int places = 14;
    while (std::ldexp(most + 2, places) >= 0x1p22) --places;
    // Off are the factor and the sum, and the formula: it rounds both numbers, then product and quotient.
    const bool exact = are_powers_of_two(args) && std::ldexp(k, places) >= 1;
    const double error = exact ? 0 : 0.5 + std::ldexp(std::min(most, kFar), places) * 5.01 * 0x1p-24, pad = std::ceil(error);
    const double origin = std::ldexp(1.5, 23 - places);
    set_bits(places, pad + error);
    factor = _mm512_set1_ps(static_cast<float>(k));
    start = _mm512_set1_ps(static_cast<float>(origin + 0.5 + std::ldexp(pad, -places)));
    to_upper = _mm512_set1_epi32(16 - places);
    zero_a = _mm512_set1_epi16(static_cast<short>(zero_of(args.a))), zero_b = _mm512_set1_epi16(static_cast<short>(zero_of(args.b)));
    const auto bits = _mm512_castps_si512(_mm512_set1_ps(static_cast<float>(origin)));
    zero_point = _mm512_sub_epi16(_mm512_set1_epi16(static_cast<short>(args.zero_point - base_of(args))), words_of(bits, bits));
    return true;
  }

  QTOOL_INLINE void operator()(__m512i a, __m512i b, __m512i (&t)[4]) const {
    const __m512i none = _mm512_setzero_si512();
    eight(_mm512_unpacklo_epi8(a, none), _mm512_unpacklo_epi8(b, none), t);
    eight(_mm512_unpackhi_epi8(a, none), _mm512_unpackhi_epi8(b, none), t + 2);
  }
  QTOOL_INLINE __m512i words(__m512i x, __m512i y) const { return _mm512_add_epi16(words_of(x, y), zero_point); }

 private:
  QTOOL_INLINE __m512i words_of(__m512i x, __m512i y) const {
    return upper(_mm512_sllv_epi32(x, to_upper), _mm512_sllv_epi32(y, to_upper));
  }
  QTOOL_INLINE void eight(__m512i a, __m512i b, __m512i* t) const {
    const __m512i x = _mm512_sub_epi16(a, zero_a), y = _mm512_sub_epi16(b, zero_b);
    const __m512i low = _mm512_mullo_epi16(x, y), high = _mm512_mulhi_epi16(x, y);
    t[0] = times(_mm512_unpacklo_epi16(low, high)), t[1] = times(_mm512_unpackhi_epi16(low, high));
  }
  QTOOL_INLINE __m512i times(__m512i x) const { return _mm512_castps_si512(_mm512_fmadd_ps(_mm512_cvtepi32_ps(x), factor, start)); }

  __m512 factor, start;
  __m512i to_upper, zero_a, zero_b, zero_point;
};

/// Words less base_of() to codes.
class Ending {
 public:
  explicit Ending(const ArithmeticArgs& args) {
    const int32_t base = base_of(args);
    flip_ = _mm512_set1_epi8(static_cast<char>(base));
    lo_ = _mm512_set1_epi8(static_cast<char>(bound(args, args.low) - base));
    hi_ = _mm512_set1_epi8(static_cast<char>(bound(args, args.high) - base));
  }
  QTOOL_INLINE void operator()(__m512i low, __m512i high, uint8_t* out) const {
    const __m512i bounded = _mm512_min_epi8(_mm512_max_epi8(_mm512_packs_epi16(low, high), lo_), hi_);
    _mm512_storeu_si512(out, _mm512_xor_si512(bounded, flip_));
  }

 private:
  /// Rounding a quotient is monotone, so that low and high may bound the codes instead of the values.
  static int32_t bound(const ArithmeticArgs& args, float real) {
    const float lo = static_cast<float>(args.lo - args.zero_point), hi = static_cast<float>(args.hi - args.zero_point);
    return static_cast<int32_t>(std::fmin(std::fmax(std::nearbyint(real / args.scale), lo), hi)) + args.zero_point;
  }
  __m512i lo_, hi_, flip_;
};

template <class Codes>
void from(const ArithmeticArgs& args, size_t i, size_t end, const Codes& codes) {
  for (; i + 16 <= end; i += 16) _mm_storeu_si128(reinterpret_cast<__m128i*>(args.out + i), codes(i));
  if (i == end) return;
  const auto rest = static_cast<__mmask16>((1u << (end - i)) - 1);
  _mm_mask_storeu_epi8(args.out + i, rest, codes(i, rest));
}

/// Up to what is left for the formula: less than 64 codes, or all from where ties turned out to be no exception.
template <bool kExact, class Fixed, class Formula>
size_t in_fixed_point(const ArithmeticArgs& args, const Fixed& fixed, const Formula& formula) {
  const Bytes a(args.a), b(args.b);
  const Ending end(args);
  size_t i = 0, redone = 0;
  for (; i + 64 <= args.n; i += 64) {
    __m512i t[4];
    fixed(a(i), b(i), t);
    if (kExact) {
      for (__m512i& part : t) part = fixed.even(part);
    } else if (__builtin_expect(!fixed.is_certain(t), 0)) {
      if (++redone > 4 + i / 128) break;
      from(args, i, i + 64, formula);
      continue;
    }
    end(fixed.words(t[0], t[1]), fixed.words(t[2], t[3]), args.out + i);
  }
  return i;
}

template <ArithmeticOp op, class Fixed>
void run(const ArithmeticArgs& args) {
  const Literal<op> formula(args);
  Fixed fixed;
  size_t i = 0;
  if (args.n >= 64 && fixed.set(args))
    i = fixed.is_exact ? in_fixed_point<true>(args, fixed, formula) : in_fixed_point<false>(args, fixed, formula);
  from(args, i, args.n, formula);
}

}  // namespace

void arithmetic_avx512(const ArithmeticArgs& args) {
  switch (args.op) {
    case ArithmeticOp::add:
      return run<ArithmeticOp::add, Sum<false>>(args);
    case ArithmeticOp::sub:
      return run<ArithmeticOp::sub, Sum<true>>(args);
    case ArithmeticOp::mul:
      return run<ArithmeticOp::mul, Product>(args);
    case ArithmeticOp::div:
      return from(args, 0, args.n, Literal<ArithmeticOp::div>(args));
  }
}

}  // namespace qtool::kernels
