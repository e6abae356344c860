// Two rows of the panel a register.
#include <immintrin.h>

#include "kernels/registry.h"

namespace qtool::kernels {

void widen_avx512(const WidenArgs& args) {
  const __m256 one = _mm256_loadu_ps(args.scale);
  const __m512 scale = _mm512_insertf32x8(_mm512_castps256_ps512(one), one, 1);
  const size_t pairs = args.rows / 2;
  for (size_t i = 0; i < pairs; ++i) {
    const __m128i codes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(args.codes + i * 16));
    _mm512_storeu_ps(args.out + i * 16, _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(codes)), scale));
  }
  if (args.rows % 2 == 0) return;
  const __m128i codes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(args.codes + pairs * 16));
  _mm256_storeu_ps(args.out + pairs * 16, _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(codes)), one));
}

}  // namespace qtool::kernels
