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

/// Numbers to bytes: clamp(rne(steps)) + zero point, NaN as 0.
class ToBytes {
 public:
  ToBytes(int32_t zero_point, int32_t lo, int32_t hi)
      : least_(_mm512_set1_ps(static_cast<float>(lo - zero_point))),
        most_(_mm512_set1_ps(static_cast<float>(hi - zero_point))),
        zero_point_(_mm512_set1_epi8(static_cast<char>(zero_point))) {}

  __m128i operator()(__m512 steps) const { return _mm_add_epi8(_mm512_cvtepi32_epi8(rounded(steps)), _mm512_castsi512_si128(zero_point_)); }

  /// 64 in order.
  __m512i operator()(__m512 a, __m512 b, __m512 c, __m512 d) const {
    const __m512i low_byte = _mm512_set1_epi16(0xff), order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i ab = _mm512_and_si512(_mm512_packs_epi32(rounded(a), rounded(b)), low_byte);
    const __m512i cd = _mm512_and_si512(_mm512_packs_epi32(rounded(c), rounded(d)), low_byte);
    return _mm512_add_epi8(_mm512_permutexvar_epi32(order, _mm512_packus_epi16(ab, cd)), zero_point_);
  }

 private:
  __m512i rounded(__m512 steps) const {
    const __mmask16 number = _mm512_cmp_ps_mask(steps, steps, _CMP_ORD_Q);
    return _mm512_maskz_cvtps_epi32(number, _mm512_min_ps(_mm512_max_ps(steps, least_), most_));
  }

  const __m512 least_, most_;
  const __m512i zero_point_;
};

/// codes[i] = to_bytes(steps(i, lanes)) for n columns.
template <class Steps>
void write_codes(uint8_t* codes, size_t n, const ToBytes& to_bytes, Steps steps) {
  size_t i = 0;
  for (; i + 64 <= n; i += 64)
    _mm512_storeu_si512(codes + i, to_bytes(steps(i, All{}), steps(i + 16, All{}), steps(i + 32, All{}), steps(i + 48, All{})));
  for_columns(n - i, [&](size_t rest, auto lanes) { lanes.store(codes + i + rest, to_bytes(steps(i + rest, lanes))); });
}

}  // namespace
}  // namespace qtool::kernels
