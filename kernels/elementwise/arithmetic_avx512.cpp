#include "kernels/codes/rounding_avx512.h"
#include "kernels/registry.h"

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

  /// The codes themselves as floats, flipped where signed.
  __m512 code(__m128i bytes) const { return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_xor_si128(bytes, flip))); }
  __m512 code(size_t i) const {
    return code(repeated ? _mm_set1_epi8(static_cast<char>(*codes)) : _mm_loadu_si128(reinterpret_cast<const __m128i*>(codes + i)));
  }
  __m512 code(size_t i, __mmask16 mask) const {
    return code(repeated ? _mm_set1_epi8(static_cast<char>(*codes)) : _mm_maskz_loadu_epi8(mask, codes + i));
  }

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

/// What turns a quotient into bytes.
struct Output {
  explicit Output(const ArithmeticArgs& args)
      : divide(args.scale),
        low(_mm512_set1_ps(args.low)),
        high(_mm512_set1_ps(args.high)),
        lo(_mm512_set1_ps(static_cast<float>(args.lo - args.zero_point))),
        hi(_mm512_set1_ps(static_cast<float>(args.hi - args.zero_point))),
        zero_point(_mm512_set1_epi32(args.zero_point)) {}

  RoundingDivision divide;
  __m512 low, high, lo, hi;
  __m512i zero_point;
};

/// The formula step by step.
template <ArithmeticOp op>
class Literal {
 public:
  explicit Literal(const ArithmeticArgs& args) : a_(args.a), b_(args.b), out_(args) {}
  template <class... Mask>
  __m128i operator()(size_t i, Mask... mask) const {
    const __m512 y = apply<op>(a_.at(i, mask...), b_.at(i, mask...));
    return codes_of(out_.divide(_mm512_min_ps(_mm512_max_ps(y, out_.low), out_.high)), y, out_.lo, out_.hi, out_.zero_point);
  }

 private:
  Operand a_, b_;
  Output out_;
};

/// The quotient in one go from the codes as they are, for sums a * ka + b * kb + c and products (a - za) * (b - zb) * k: off by less
/// than 2^-11 of a step where the terms stay below 1024 steps, so only vectors with a lane that close to a tie need the formula.
template <ArithmeticOp op>
class Fused {
 public:
  explicit Fused(const ArithmeticArgs& args) : a_(args.a), b_(args.b), literal_(args), zero_point_(_mm512_set1_epi32(args.zero_point)) {
    const double sign = op == ArithmeticOp::sub ? -1 : 1, scale = args.scale;
    const double ka = args.a.scale / scale, kb = sign * args.b.scale / scale, za = middle(args.a), zb = middle(args.b);
    terms_ = op == ArithmeticOp::mul ? 0 : 512 * (ka + std::fabs(kb));
    ka_ = _mm512_set1_ps(static_cast<float>(op == ArithmeticOp::mul ? ka * args.b.scale : ka));
    kb_ = _mm512_set1_ps(static_cast<float>(kb));
    c_ = _mm512_set1_ps(static_cast<float>(-za * ka - zb * kb));
    za_ = _mm512_set1_ps(static_cast<float>(za)), zb_ = _mm512_set1_ps(static_cast<float>(zb));
    const float lo = static_cast<float>(args.lo - args.zero_point), hi = static_cast<float>(args.hi - args.zero_point);
    lo_ = _mm512_set1_ps(std::fmin(std::fmax(std::nearbyint(args.low / args.scale), lo), hi));
    hi_ = _mm512_set1_ps(std::fmin(std::fmax(std::nearbyint(args.high / args.scale), lo), hi));
  }

  /// False where scales are too far apart for the bound to hold.
  bool applies(const ArithmeticArgs& args) const {
    const double k = static_cast<double>(args.a.scale) * args.b.scale / args.scale;
    return op == ArithmeticOp::mul ? k > 1e-30 && k < 1e30 : terms_ < 1024;
  }

  template <class... Mask>
  __m128i operator()(size_t i, Mask... mask) const {
    const __m512 a = a_.code(i, mask...), b = b_.code(i, mask...);
    const __m512 steps = op == ArithmeticOp::mul ? _mm512_mul_ps(_mm512_mul_ps(_mm512_sub_ps(a, za_), _mm512_sub_ps(b, zb_)), ka_)
                                                 : _mm512_fmadd_ps(a, ka_, _mm512_fmadd_ps(b, kb_, c_));
    const __m512 bounded = _mm512_min_ps(_mm512_max_ps(steps, _mm512_set1_ps(-1024)), _mm512_set1_ps(1024));
    const __m512 off = _mm512_abs_ps(_mm512_reduce_ps(bounded, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
    if (_mm512_cmp_ps_mask(off, _mm512_set1_ps(0.5f - 0x1p-10f), _CMP_GT_OQ)) return literal_(i, mask...);
    const __m512 inside = _mm512_min_ps(_mm512_max_ps(RoundingDivision::round(bounded), lo_), hi_);
    return _mm512_cvtepi32_epi8(_mm512_add_epi32(_mm512_cvtps_epi32(inside), zero_point_));
  }

 private:
  static double middle(const ArithmeticOperand& x) { return x.zero_point + (x.is_signed ? 128 : 0); }

  Operand a_, b_;
  Literal<op> literal_;
  double terms_;
  __m512 ka_, kb_, c_, za_, zb_, lo_, hi_;
  __m512i zero_point_;
};

/// 64 codes at once, in the order of unpacking: lane l of part j is code 16 (l / 4) + 4 j + l % 4.
struct Quarters {
  __m512 parts[4];
};

/// codes - zero point as floats: with 2^23's upper half behind a code, a word pair is the float 2^23 + code.
struct Centred {
  explicit Centred(const ArithmeticOperand& x)
      : codes(x.codes),
        repeated(x.repeated),
        flip(_mm512_set1_epi8(x.is_signed ? static_cast<char>(0x80) : 0)),
        constant(_mm512_set1_epi8(x.repeated ? static_cast<char>(*x.codes) : 0)),
        origin(_mm512_set1_ps(static_cast<float>((1 << 23) + x.zero_point + (x.is_signed ? 128 : 0)))) {}

  Quarters operator()(size_t i) const {
    const __m512i none = _mm512_setzero_si512(), exponent = _mm512_set1_epi16(0x4B00);
    const __m512i bytes = _mm512_xor_si512(repeated ? constant : _mm512_loadu_si512(codes + i), flip);
    const __m512i low = _mm512_unpacklo_epi8(bytes, none), high = _mm512_unpackhi_epi8(bytes, none);
    const auto real = [&](__m512i words) { return _mm512_sub_ps(_mm512_castsi512_ps(words), origin); };
    return {{real(_mm512_unpacklo_epi16(low, exponent)), real(_mm512_unpackhi_epi16(low, exponent)),
             real(_mm512_unpacklo_epi16(high, exponent)), real(_mm512_unpackhi_epi16(high, exponent))}};
  }

  const uint8_t* codes;
  bool repeated;
  __m512i flip, constant;
  __m512 origin;
};

/// Fused on 64 codes: sums (a - za) * ka + (b - zb) * kb, products (a - za) * (b - zb) * ka. With at most `most` steps in any term, eight
/// roundings of 2^-24 of it separate this from the formula; where a lane lies that close to a tie, nothing is written.
template <ArithmeticOp op>
class Wide {
 public:
  explicit Wide(const ArithmeticArgs& args) : a_(args.a), b_(args.b), out_(args.out) {
    const double sign = op == ArithmeticOp::sub ? -1 : 1, ka = static_cast<double>(args.a.scale) / args.scale;
    const double kb = sign * args.b.scale / args.scale, product = ka * args.b.scale;
    most_ = op == ArithmeticOp::mul ? 255.0 * 255 * product : 255 * (ka + std::fabs(kb));
    ka_ = _mm512_set1_ps(static_cast<float>(op == ArithmeticOp::mul ? product : ka));
    kb_ = _mm512_set1_ps(static_cast<float>(kb));
    certain_ = _mm512_set1_ps(static_cast<float>(0.5 - most_ * 0x1p-21));
    const int32_t base = args.hi > 127 ? 128 : 0, lo = bound(args, args.low), hi = bound(args, args.high);
    zero_point_ = _mm512_set1_epi16(static_cast<short>(args.zero_point - base));
    lo_ = _mm512_set1_epi8(static_cast<char>(lo - base)), hi_ = _mm512_set1_epi8(static_cast<char>(hi - base));
    flip_ = _mm512_set1_epi8(static_cast<char>(base));
  }

  bool applies() const { return most_ > 1e-20 && most_ < 8192; }

  bool operator()(size_t i) const {
    const Quarters a = a_(i), b = b_(i);
    __m512i steps[4];
    __m512 worst = _mm512_setzero_ps();
    for (int part = 0; part < 4; ++part) {
      const __m512 v = op == ArithmeticOp::mul ? _mm512_mul_ps(_mm512_mul_ps(a.parts[part], b.parts[part]), ka_)
                                               : _mm512_fmadd_ps(a.parts[part], ka_, _mm512_mul_ps(b.parts[part], kb_));
      worst = _mm512_max_ps(worst, _mm512_abs_ps(_mm512_reduce_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)));
      steps[part] = _mm512_cvtps_epi32(v);
    }
    if (_mm512_cmp_ps_mask(worst, certain_, _CMP_GT_OQ)) return false;
    const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(steps[0], steps[1]), zero_point_);
    const __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(steps[2], steps[3]), zero_point_);
    const __m512i bounded = _mm512_min_epi8(_mm512_max_epi8(_mm512_packs_epi16(low, high), lo_), hi_);
    _mm512_storeu_si512(out_ + i, _mm512_xor_si512(bounded, flip_));
    return true;
  }

 private:
  static int32_t bound(const ArithmeticArgs& args, float real) {
    const float lo = static_cast<float>(args.lo - args.zero_point), hi = static_cast<float>(args.hi - args.zero_point);
    return static_cast<int32_t>(std::fmin(std::fmax(std::nearbyint(real / args.scale), lo), hi)) + args.zero_point;
  }

  Centred a_, b_;
  uint8_t* out_;
  double most_;
  __m512 ka_, kb_, certain_;
  __m512i zero_point_, lo_, hi_, flip_;
};

template <class Codes>
void from(const ArithmeticArgs& args, size_t i, const Codes& codes) {
  for (; i + 16 <= args.n; i += 16) _mm_storeu_si128(reinterpret_cast<__m128i*>(args.out + i), codes(i));
  if (i == args.n) return;
  const auto rest = static_cast<__mmask16>((1u << (args.n - i)) - 1);
  _mm_mask_storeu_epi8(args.out + i, rest, codes(i, rest));
}

template <ArithmeticOp op>
void run_fused(const ArithmeticArgs& args, const Fused<op>& fused) {
  size_t i = 0;
  if (const Wide<op> wide(args); wide.applies())
    for (; i + 64 <= args.n; i += 64)
      if (!wide(i))
        for (size_t j = i; j < i + 64; j += 16) _mm_storeu_si128(reinterpret_cast<__m128i*>(args.out + j), fused(j));
  from(args, i, fused);
}

template <ArithmeticOp op>
void run(const ArithmeticArgs& args) {
  if constexpr (op != ArithmeticOp::div) {
    const Fused<op> fused(args);
    if (fused.applies(args)) return run_fused(args, fused);
  }
  from(args, 0, Literal<op>(args));
}

}  // namespace

void arithmetic_avx512(const ArithmeticArgs& args) {
  switch (args.op) {
    case ArithmeticOp::add:
      return run<ArithmeticOp::add>(args);
    case ArithmeticOp::sub:
      return run<ArithmeticOp::sub>(args);
    case ArithmeticOp::mul:
      return run<ArithmeticOp::mul>(args);
    case ArithmeticOp::div:
      return run<ArithmeticOp::div>(args);
  }
}

}  // namespace qtool::kernels
