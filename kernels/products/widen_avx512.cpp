// Two rows of the panel a register.
#include <immintrin.h>

#include <algorithm>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

inline __m512 twice(const float* eight) {
  const __m256 one = _mm256_loadu_ps(eight);
  return _mm512_insertf32x8(_mm512_castps256_ps512(one), one, 1);
}
inline __m128i eight(const void* codes) { return _mm_loadl_epi64(static_cast<const __m128i*>(codes)); }
inline __m512 scaled(__m128i codes, __m512 scale) { return _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(codes)), scale); }
inline void store_row(float* out, __m128i codes, __m512 scale) {
  _mm256_storeu_ps(out, _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(codes)), _mm512_castps512_ps256(scale)));
}

inline void widen_group(const int8_t* codes, __m512 scale, float* out, size_t rows) {
  for (; rows >= 2; rows -= 2, codes += 16, out += 16)
    _mm512_storeu_ps(out, scaled(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes)), scale));
  if (rows > 0) store_row(out, eight(codes), scale);
}

inline void widen_group(const uint8_t* codes, __m128i zero, __m512 scale, float* out, size_t rows) {
  const __m128i low = _mm_set1_epi8(15);
  for (; rows >= 2; rows -= 2, codes += 8, out += 16) {
    const __m128i pair = eight(codes);
    const __m128i both = _mm_and_si128(_mm_unpacklo_epi64(pair, _mm_srli_epi16(pair, 4)), low);
    _mm512_storeu_ps(out, scaled(_mm_sub_epi8(both, zero), scale));
  }
  if (rows > 0) store_row(out, _mm_sub_epi8(_mm_and_si128(eight(codes), low), zero), scale);
}

}  // namespace

void widen_avx512(const WidenArgs& args) {
  for (size_t k = 0, g = 0; k < args.rows; k += args.group, ++g)
    widen_group(args.codes + k * 8, twice(args.scale + g * 8), args.out + k * 8, std::min(args.group, args.rows - k));
}

void widen_nibbles_avx512(const WidenNibblesArgs& args) {
  for (size_t k = 0, g = 0; k < args.rows; k += args.group, ++g) {
    const __m128i zero = eight(args.zero + g * 8);
    widen_group(args.codes + k * 4, _mm_unpacklo_epi64(zero, zero), twice(args.scale + g * 8), args.out + k * 8,
                std::min(args.group, args.rows - k));
  }
}

}  // namespace qtool::kernels
