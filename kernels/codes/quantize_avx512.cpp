#include "kernels/codes/rounding_avx512.h"
#include "kernels/registry.h"

namespace qtool::kernels {

void quantize_avx512(const QuantizeArgs& args) {
  const RoundingDivision divide(args.scale);
  const __m512 lo = _mm512_set1_ps(static_cast<float>(args.lo - args.zero_point)),
               hi = _mm512_set1_ps(static_cast<float>(args.hi - args.zero_point));
  const __m512i zero_point = _mm512_set1_epi32(args.zero_point);
  size_t i = 0;
  for (; i + 16 <= args.n; i += 16) {
    const __m512 x = _mm512_loadu_ps(args.in + i);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(args.out + i), codes_of(divide(x), x, lo, hi, zero_point));
  }
  if (i == args.n) return;
  const auto rest = static_cast<__mmask16>((1u << (args.n - i)) - 1);
  const __m512 x = _mm512_maskz_loadu_ps(rest, args.in + i);
  _mm_mask_storeu_epi8(args.out + i, rest, codes_of(divide(x), x, lo, hi, zero_point));
}

}  // namespace qtool::kernels
