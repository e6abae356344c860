#pragma once
// Division by a scale with rounding to nearest even, in 16 lanes, bit-exact without dividing.
//
// With r = fl(1 / scale), |x * r - x / scale| <= 2^-22 |x / scale|. Clamped to +-1024 steps that is at most 2^-12 of a step: only
// where x * r lies that close to a tie can the two round differently, and there the vector is divided.

#include <immintrin.h>

#include <cmath>

namespace qtool::kernels {

struct RoundingDivision {
  explicit RoundingDivision(float divisor)
      : scale(_mm512_set1_ps(divisor)),
        reciprocal(_mm512_set1_ps(1.0f / divisor)),
        by_reciprocal(std::isnormal(1.0f / divisor) && std::isnormal(divisor)) {}

  /// rne(x / scale) where that is within +-1024, else something beyond +-1000 of the same sign; NaN stays out: see not_nan.
  __m512 operator()(__m512 x) const {
    if (!by_reciprocal) return round(clamped(_mm512_div_ps(x, scale)));
    const __m512 steps = clamped(_mm512_mul_ps(x, reciprocal));
    const __m512 rounded = round(steps);
    const __m512 off = _mm512_abs_ps(_mm512_sub_ps(steps, rounded));
    if (_mm512_cmp_ps_mask(off, _mm512_set1_ps(0.5f - 0x1p-11f), _CMP_GT_OQ) == 0) return rounded;
    return round(clamped(_mm512_div_ps(x, scale)));
  }

  static __m512 round(__m512 x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  static __m512 clamped(__m512 x) { return _mm512_min_ps(_mm512_max_ps(x, _mm512_set1_ps(-1024)), _mm512_set1_ps(1024)); }

  __m512 scale, reciprocal;
  bool by_reciprocal;
};

/// Codes of 16 rounded quotients: clamp to [lo, hi] (zero point not yet added), NaN lanes of `x` to 0, plus zero point, as bytes.
inline __m128i codes_of(__m512 rounded, __m512 x, __m512 lo, __m512 hi, __m512i zero_point) {
  const __mmask16 number = _mm512_cmp_ps_mask(x, x, _CMP_ORD_Q);
  const __m512 inside = _mm512_min_ps(_mm512_max_ps(rounded, lo), hi);
  return _mm512_cvtepi32_epi8(_mm512_add_epi32(_mm512_maskz_cvtps_epi32(number, inside), zero_point));
}

}  // namespace qtool::kernels
