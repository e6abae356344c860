#include <algorithm>
#include <cstring>
#include <type_traits>

#include "kernels/registry.h"
#include "kernels/rows/rows_avx512.h"

namespace qtool::kernels {
namespace {

/// v^(-3/4)
__m512 power_of(__m512 v) {
  const __m512 q = _mm512_castsi512_ps(_mm512_sub_epi32(_mm512_set1_epi32(kQuarterRoot), _mm512_srai_epi32(_mm512_castps_si512(v), 2)));
  const __m512 square = _mm512_mul_ps(q, q), h = _mm512_fnmadd_ps(_mm512_mul_ps(v, square), square, _mm512_set1_ps(1.0f));
  __m512 p = _mm512_set1_ps(kThreeQuarters[5]);
  for (int k = 4; k >= 0; --k) p = _mm512_fmadd_ps(p, h, _mm512_set1_ps(kThreeQuarters[k]));
  return _mm512_mul_ps(_mm512_mul_ps(square, q), p);
}

__m128i bytes_at(const uint8_t* at, All) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)); }
__m128i bytes_at(const uint8_t* at, Some some) { return _mm_maskz_loadu_epi8(some.lanes, at); }

/// A row of d, and of its squares, which are whole numbers, so that adding them is what fma does; `half` zeros in front of those and
/// behind.
struct Row {
  float *d, *squares;
  Row(const LocalResponseArgs& args, size_t i) : d(args.scratch + i * 2 * (args.n + args.half)), squares(d + args.n) {}
};

void read(const LocalResponseArgs& args, const uint8_t* in, const Row& row) {
  const __m512 zero_point = _mm512_set1_ps(static_cast<float>(args.in_zero_point));
  std::memset(row.squares, 0, args.half * sizeof(float));
  for_columns(args.n, [&](size_t i, auto lanes) {
    const __m128i bytes = bytes_at(in + i, lanes);
    const __m512i codes = args.in_signed ? _mm512_cvtepi8_epi32(bytes) : _mm512_cvtepu8_epi32(bytes);
    const __m512 d = _mm512_sub_ps(_mm512_cvtepi32_ps(codes), zero_point);
    lanes.store(row.d + i, d);
    lanes.store(row.squares + args.half + i, _mm512_mul_ps(d, d));
  });
  std::memset(row.squares + args.half + args.n, 0, args.half * sizeof(float));
}

template <class Half>
void write(const LocalResponseArgs& args, Half half, const Row& row, uint8_t* out) {
  const __m512 factor = _mm512_set1_ps(args.factor), bias = _mm512_set1_ps(args.bias), steps = _mm512_set1_ps(args.steps);
  write_codes(out, args.n, ToBytes(args.zero_point, args.lo, args.hi), [&](size_t i, auto lanes) {
    __m512 square = lanes.load(row.squares + i);
    for (size_t e = 1; e < 2 * half + 1; ++e) square = _mm512_add_ps(square, lanes.load(row.squares + i + e));
    const __m512 power = power_of(_mm512_fmadd_ps(factor, square, bias));
    return _mm512_mul_ps(_mm512_mul_ps(power, lanes.load(row.d + i)), steps);
  });
}

}  // namespace

void local_response_avx512(const LocalResponseArgs& args) {
  constexpr size_t kTogether = LocalResponseArgs::kRowsTogether;  // windows of a row that is still on its way to the cache would wait
  const std::integral_constant<size_t, 2> two;                    // the usual window, unrolled
  for (size_t first = 0; first < args.rows; first += kTogether) {
    const size_t last = std::min(first + kTogether, args.rows);
    for (size_t r = first; r < last; ++r) read(args, args.in + r * args.n, Row(args, r - first));
    for (size_t r = first; r < last; ++r) {
      const Row row(args, r - first);
      args.half == 2 ? write(args, two, row, args.out + r * args.n) : write(args, args.half, row, args.out + r * args.n);
    }
  }
}

}  // namespace qtool::kernels
