#include "kernels/registry.h"
#include "kernels/rounding_avx512.h"

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

template <ArithmeticOp op>
void run(const ArithmeticArgs& args) {
  const Operand a(args.a), b(args.b);
  const RoundingDivision divide(args.scale);
  const __m512 low = _mm512_set1_ps(args.low), high = _mm512_set1_ps(args.high);
  const __m512 lo = _mm512_set1_ps(static_cast<float>(args.lo - args.zero_point)),
               hi = _mm512_set1_ps(static_cast<float>(args.hi - args.zero_point));
  const __m512i zero_point = _mm512_set1_epi32(args.zero_point);
  const auto codes = [&](__m512 x, __m512 z) {
    const __m512 y = apply<op>(x, z);
    return codes_of(divide(_mm512_min_ps(_mm512_max_ps(y, low), high)), y, lo, hi, zero_point);
  };
  size_t i = 0;
  for (; i + 16 <= args.n; i += 16) _mm_storeu_si128(reinterpret_cast<__m128i*>(args.out + i), codes(a.at(i), b.at(i)));
  if (i == args.n) return;
  const auto rest = static_cast<__mmask16>((1u << (args.n - i)) - 1);
  _mm_mask_storeu_epi8(args.out + i, rest, codes(a.at(i, rest), b.at(i, rest)));
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
