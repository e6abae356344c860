#pragma once
#include <immintrin.h>

namespace qtool::kernels {

/// The codes of 8 values: clamp(rne(x / scale), lo, hi) + zero_point as i32; NaN gives the zero point.
inline __m256i codes_of(__m256 x, __m256 scale, __m256 lo, __m256 hi, __m256i zero_point) {
  const __m256 number = _mm256_cmp_ps(x, x, _CMP_ORD_Q);
  const __m256 steps = _mm256_round_ps(_mm256_div_ps(x, scale), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m256 inside = _mm256_and_ps(_mm256_min_ps(_mm256_max_ps(steps, lo), hi), number);
  return _mm256_add_epi32(_mm256_cvtps_epi32(inside), zero_point);
}

/// The low bytes of 8 i32 lanes, in order.
inline __m128i low_bytes(__m256i lanes) {
  const __m256i pick = _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 4, 8, 12, -1, -1, -1, -1, -1, -1,
                                        -1, -1, -1, -1, -1, -1);
  const __m256i picked = _mm256_shuffle_epi8(lanes, pick);
  return _mm_unpacklo_epi32(_mm256_castsi256_si128(picked), _mm256_extracti128_si256(picked, 1));
}

}  // namespace qtool::kernels
