// A row of the panel a register.
#include <immintrin.h>

#include "kernels/registry.h"

namespace qtool::kernels {

void widen_avx2(const WidenArgs& args) {
  const __m256 scale = _mm256_loadu_ps(args.scale);
  for (size_t k = 0; k < args.rows; ++k) {
    const __m128i codes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(args.codes + k * 8));
    _mm256_storeu_ps(args.out + k * 8, _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(codes)), scale));
  }
}

}  // namespace qtool::kernels
