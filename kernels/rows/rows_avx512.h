#pragma once
// Rows of floats in 16 lanes, several side by side: the reductions of one hide behind the arithmetic of the others.

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace qtool::kernels {
namespace {

/// 16 lanes of memory. (Stores under a mask are slow, so whole vectors do without.)
struct All {
  __m512 load(const float* at) const { return _mm512_loadu_ps(at); }
  void store(float* at, __m512 x) const { _mm512_storeu_ps(at, x); }
  void store(uint8_t* at, __m128i x) const { _mm_storeu_si128(reinterpret_cast<__m128i*>(at), x); }
  __m512 or_else(__m512, __m512 x) const { return x; }
};

/// The first of them; loads fill with zeros.
struct Some {
  __mmask16 lanes;
  __m512 load(const float* at) const { return _mm512_maskz_loadu_ps(lanes, at); }
  void store(float* at, __m512 x) const { _mm512_mask_storeu_ps(at, lanes, x); }
  void store(uint8_t* at, __m128i x) const { _mm_mask_storeu_epi8(at, lanes, x); }
  __m512 or_else(__m512 old, __m512 x) const { return _mm512_mask_mov_ps(old, lanes, x); }
};

/// f(i, lanes) for every 16 of n columns.
template <class F>
void for_columns(size_t n, F f) {
  size_t i = 0;
  for (; i + 16 <= n; i += 16) f(i, All{});
  if (i < n) f(i, Some{static_cast<__mmask16>((1u << (n - i)) - 1)});
}

/// Lane l + lane l + 8, then 4, 2, 1.
inline float sum_of(__m512 lanes) {
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(lanes), _mm512_extractf32x8_ps(lanes, 1));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/// clamp(rne(steps)) + zero point as bytes, NaN as 0; least and most without the zero point, within +-1024.
inline __m128i bytes_of(__m512 steps, __m512 least, __m512 most, __m128i zero_point) {
  const __mmask16 number = _mm512_cmp_ps_mask(steps, steps, _CMP_ORD_Q);
  const __m512i rounded = _mm512_maskz_cvtps_epi32(number, _mm512_min_ps(_mm512_max_ps(steps, least), most));
  return _mm_add_epi8(_mm512_cvtepi32_epi8(rounded), zero_point);
}

}  // namespace
}  // namespace qtool::kernels
