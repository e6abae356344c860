// A row of the panel a register.
#include <immintrin.h>

#include <algorithm>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

inline __m128i eight(const void* codes) { return _mm_loadl_epi64(static_cast<const __m128i*>(codes)); }
inline void store_row(float* out, __m128i codes, __m256 scale) {
  _mm256_storeu_ps(out, _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(codes)), scale));
}

inline void widen_group(const int8_t* codes, __m256 scale, float* out, size_t rows) {
  for (size_t k = 0; k < rows; ++k) store_row(out + k * 8, eight(codes + k * 8), scale);
}

inline void widen_group(const uint8_t* codes, __m128i zero, __m256 scale, float* out, size_t rows) {
  const __m128i low = _mm_set1_epi8(15);
  for (size_t k = 0; k < rows; k += 2, codes += 8) {
    const __m128i pair = eight(codes);
    store_row(out + k * 8, _mm_sub_epi8(_mm_and_si128(pair, low), zero), scale);
    if (k + 1 < rows) store_row(out + k * 8 + 8, _mm_sub_epi8(_mm_and_si128(_mm_srli_epi16(pair, 4), low), zero), scale);
  }
}

}  // namespace

void widen_avx2(const WidenArgs& args) {
  for (size_t k = 0, g = 0; k < args.rows; k += args.group, ++g)
    widen_group(args.codes + k * 8, _mm256_loadu_ps(args.scale + g * 8), args.out + k * 8, std::min(args.group, args.rows - k));
}

void widen_nibbles_avx2(const WidenNibblesArgs& args) {
  for (size_t k = 0, g = 0; k < args.rows; k += args.group, ++g)
    widen_group(args.codes + k * 4, eight(args.zero + g * 8), _mm256_loadu_ps(args.scale + g * 8), args.out + k * 8,
                std::min(args.group, args.rows - k));
}

}  // namespace qtool::kernels
