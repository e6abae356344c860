#include <cstring>
#include <type_traits>

#include "kernels/registry.h"
#include "kernels/rows/rows_avx512.h"

namespace qtool::kernels {
namespace {

/// v^(-3/4)
__m512 power_of(__m512 v) {
  __m512 q = _mm512_castsi512_ps(_mm512_sub_epi32(_mm512_set1_epi32(kQuarterRoot), _mm512_srai_epi32(_mm512_castps_si512(v), 2)));
  const __m512 quarter = _mm512_mul_ps(_mm512_set1_ps(0.25f), v);
  for (int step = 0; step < 3; ++step) {
    const __m512 square = _mm512_mul_ps(q, q), product = _mm512_mul_ps(_mm512_mul_ps(quarter, square), square);
    q = _mm512_mul_ps(q, _mm512_sub_ps(_mm512_set1_ps(1.25f), product));
  }
  return _mm512_mul_ps(_mm512_mul_ps(q, q), q);
}

__m128i bytes_at(const uint8_t* at, All) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)); }
__m128i bytes_at(const uint8_t* at, Some some) { return _mm_maskz_loadu_epi8(some.lanes, at); }

/// x and, `half` zeros in front and behind, its squares.
struct Row {
  float *x, *squares;
};

void read(const LocalResponseArgs& args, const uint8_t* in, const Row& row) {
  const __m512 scale = _mm512_set1_ps(args.in_scale);
  const __m512i zero_point = _mm512_set1_epi32(args.in_zero_point);
  for_columns(args.n, [&](size_t i, auto lanes) {
    const __m128i bytes = bytes_at(in + i, lanes);
    const __m512i codes = args.in_signed ? _mm512_cvtepi8_epi32(bytes) : _mm512_cvtepu8_epi32(bytes);
    const __m512 x = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_sub_epi32(codes, zero_point)), scale);
    lanes.store(row.x + i, x);
    lanes.store(row.squares + args.half + i, _mm512_mul_ps(x, x));
  });
}

template <class Window>
void write(const LocalResponseArgs& args, const Row& row, Window window, uint8_t* out) {
  const __m512 factor = _mm512_set1_ps(args.factor), bias = _mm512_set1_ps(args.bias), steps = _mm512_set1_ps(args.steps);
  write_codes(out, args.n, ToBytes(args.zero_point, args.lo, args.hi), [&](size_t i, auto lanes) {
    __m512 square = lanes.load(row.squares + i);
    for (size_t d = 1; d < window; ++d) square = _mm512_add_ps(square, lanes.load(row.squares + i + d));
    const __m512 power = power_of(_mm512_add_ps(bias, _mm512_mul_ps(factor, square)));
    return _mm512_mul_ps(_mm512_mul_ps(lanes.load(row.x + i), power), steps);
  });
}

}  // namespace

void local_response_avx512(const LocalResponseArgs& args) {
  const Row row{args.scratch, args.scratch + args.n};
  std::memset(row.squares, 0, args.half * sizeof(float));
  std::memset(row.squares + args.half + args.n, 0, args.half * sizeof(float));
  const std::integral_constant<size_t, 5> five;  // the usual window, unrolled
  for (size_t r = 0; r < args.rows; ++r) {
    read(args, args.in + r * args.n, row);
    args.half == 2 ? write(args, row, five, args.out + r * args.n) : write(args, row, 2 * args.half + 1, args.out + r * args.n);
  }
}

}  // namespace qtool::kernels
