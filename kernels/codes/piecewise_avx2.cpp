// Coefficients by gathers, eight numbers at once.
#include <immintrin.h>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

struct Eight {
  const PiecewiseTable& table;
  const __m256 least, most;

  /// Rounded and clamped, without the zero point; NaN as 0.
  __m256i operator()(const float* in) const {
    const __m256 t = _mm256_fmadd_ps(_mm256_loadu_ps(in), _mm256_set1_ps(table.slope), _mm256_set1_ps(table.offset));
    const __m256 piece = _mm256_min_ps(_mm256_max_ps(_mm256_floor_ps(t), _mm256_setzero_ps()), _mm256_set1_ps(PiecewiseTable::kPieces - 1));
    const __m256i i = _mm256_cvtps_epi32(piece);
    const __m256 r = _mm256_sub_ps(t, piece);
    __m256 y = _mm256_i32gather_ps(table.c[PiecewiseTable::kOrder - 1], i, 4);
    for (size_t k = PiecewiseTable::kOrder - 1; k-- > 0;) y = _mm256_fmadd_ps(y, r, _mm256_i32gather_ps(table.c[k], i, 4));
    const __m256 number = _mm256_cmp_ps(y, y, _CMP_ORD_Q);
    return _mm256_cvtps_epi32(_mm256_and_ps(number, _mm256_min_ps(_mm256_max_ps(y, least), most)));
  }
};

}  // namespace

void piecewise_avx2(const PiecewiseArgs& args) {
  const Eight eight{*args.table, _mm256_set1_ps(static_cast<float>(args.lo - args.zero_point)),
                    _mm256_set1_ps(static_cast<float>(args.hi - args.zero_point))};
  size_t i = 0;
  for (; i + 8 <= args.n; i += 8) {
    alignas(32) int32_t codes[8];
    _mm256_store_si256(reinterpret_cast<__m256i*>(codes), eight(args.in + i));
    for (size_t k = 0; k < 8; ++k) args.codes[i + k] = static_cast<uint8_t>(codes[k] + args.zero_point);
  }
  PiecewiseArgs rest = args;
  rest.in += i, rest.codes += i, rest.n -= i;
  piecewise_scalar(rest);
}

}  // namespace qtool::kernels
