// min and max give their second operand where one is NaN.
#include <immintrin.h>

#include "kernels/registry.h"

namespace qtool::kernels {

void extremes_avx512(const ExtremesArgs& args) {
  constexpr size_t kUnrolled = 4;
  __m512 lo[kUnrolled], hi[kUnrolled];
  for (size_t j = 0; j < kUnrolled; ++j) lo[j] = hi[j] = _mm512_setzero_ps();
  size_t i = 0;
  for (; i + 16 * kUnrolled <= args.n; i += 16 * kUnrolled)
    for (size_t j = 0; j < kUnrolled; ++j) {
      const __m512 x = _mm512_loadu_ps(args.in + i + 16 * j);
      lo[j] = _mm512_min_ps(x, lo[j]);
      hi[j] = _mm512_max_ps(x, hi[j]);
    }
  for (; i < args.n; i += 16) {
    const size_t left = args.n - i;
    const auto rest = static_cast<__mmask16>(left < 16 ? (1u << left) - 1 : 0xffff);
    const __m512 x = _mm512_maskz_loadu_ps(rest, args.in + i);
    lo[0] = _mm512_min_ps(x, lo[0]);
    hi[0] = _mm512_max_ps(x, hi[0]);
  }
  *args.lo = _mm512_reduce_min_ps(_mm512_min_ps(_mm512_min_ps(lo[0], lo[1]), _mm512_min_ps(lo[2], lo[3])));
  *args.hi = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_max_ps(hi[0], hi[1]), _mm512_max_ps(hi[2], hi[3])));
}

}  // namespace qtool::kernels
