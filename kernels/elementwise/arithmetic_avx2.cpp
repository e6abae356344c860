#include "kernels/codes/rounding_avx2.h"
#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

/// Eight operands as real numbers.
__m256 real(const ArithmeticOperand& x, size_t i) {
  const __m128i bytes =
      x.repeated ? _mm_set1_epi8(static_cast<char>(*x.codes)) : _mm_loadl_epi64(reinterpret_cast<const __m128i*>(x.codes + i));
  const __m256i code = x.is_signed ? _mm256_cvtepi8_epi32(bytes) : _mm256_cvtepu8_epi32(bytes);
  return _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_sub_epi32(code, _mm256_set1_epi32(x.zero_point))), _mm256_set1_ps(x.scale));
}

__m256 apply(ArithmeticOp op, __m256 a, __m256 b) {
  switch (op) {
    case ArithmeticOp::add:
      return _mm256_add_ps(a, b);
    case ArithmeticOp::sub:
      return _mm256_sub_ps(a, b);
    case ArithmeticOp::mul:
      return _mm256_mul_ps(a, b);
    default:
      return _mm256_div_ps(a, b);
  }
}

}  // namespace

void arithmetic_avx2(const ArithmeticArgs& args) {
  const __m256 scale = _mm256_set1_ps(args.scale), low = _mm256_set1_ps(args.low), high = _mm256_set1_ps(args.high);
  const __m256 lo = _mm256_set1_ps(static_cast<float>(args.lo - args.zero_point)),
               hi = _mm256_set1_ps(static_cast<float>(args.hi - args.zero_point));
  const __m256i zero_point = _mm256_set1_epi32(args.zero_point);
  size_t i = 0;
  for (; i + 8 <= args.n; i += 8) {
    const __m256 y = apply(args.op, real(args.a, i), real(args.b, i));
    const __m256 bounded = _mm256_min_ps(_mm256_max_ps(y, low), high);
    const __m256 kept = _mm256_blendv_ps(y, bounded, _mm256_cmp_ps(y, y, _CMP_ORD_Q));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(args.out + i), low_bytes(codes_of(kept, scale, lo, hi, zero_point)));
  }
  ArithmeticArgs rest = args;
  rest.out += i, rest.n -= i;
  if (!rest.a.repeated) rest.a.codes += i;
  if (!rest.b.repeated) rest.b.codes += i;
  arithmetic_scalar(rest);
}

}  // namespace qtool::kernels
