// min and max give their second operand where one is NaN.
#include <immintrin.h>

#include "kernels/registry.h"

namespace qtool::kernels {

void extremes_avx2(const ExtremesArgs& args) {
  __m256 lo = _mm256_setzero_ps(), hi = lo;
  size_t i = 0;
  for (; i + 8 <= args.n; i += 8) {
    const __m256 x = _mm256_loadu_ps(args.in + i);
    lo = _mm256_min_ps(x, lo);
    hi = _mm256_max_ps(x, hi);
  }
  float los[8], his[8];
  _mm256_storeu_ps(los, lo);
  _mm256_storeu_ps(his, hi);
  float least = 0, greatest = 0;
  for (size_t j = 0; j < 8; ++j) {
    least = los[j] < least ? los[j] : least;
    greatest = his[j] > greatest ? his[j] : greatest;
  }
  for (; i < args.n; ++i) {
    least = args.in[i] < least ? args.in[i] : least;
    greatest = args.in[i] > greatest ? args.in[i] : greatest;
  }
  *args.lo = least;
  *args.hi = greatest;
}

}  // namespace qtool::kernels
