// Coefficients by permutations: two registers hold those of all pieces.
#include "kernels/registry.h"
#include "kernels/rows/rows_avx512.h"
#include "kernels/unroll.h"

namespace qtool::kernels {
namespace {

constexpr int kOrder = PiecewiseTable::kOrder;

class Polynomials {
 public:
  explicit Polynomials(const PiecewiseTable& table) : slope_(_mm512_set1_ps(table.slope)), offset_(_mm512_set1_ps(table.offset)) {
    repeat<kOrder>(QTOOL_EACH(k) { low_[k] = _mm512_loadu_ps(table.c[k]), high_[k] = _mm512_loadu_ps(table.c[k] + 16); });
  }

  QTOOL_INLINE __m512 operator()(__m512 x) const {
    const __m512 t = _mm512_fmadd_ps(x, slope_, offset_);
    const __m512 whole = _mm512_roundscale_ps(t, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
    const __m512 piece = _mm512_min_ps(_mm512_max_ps(whole, _mm512_setzero_ps()), _mm512_set1_ps(PiecewiseTable::kPieces - 1));
    const __m512i i = _mm512_cvtps_epi32(piece);
    const __m512 r = _mm512_sub_ps(t, piece);
    __m512 y = _mm512_permutex2var_ps(low_[kOrder - 1], i, high_[kOrder - 1]);
    repeat<kOrder - 1>(QTOOL_EACH(k) {
      constexpr int at = kOrder - 2 - k;
      y = _mm512_fmadd_ps(y, r, _mm512_permutex2var_ps(low_[at], i, high_[at]));
    });
    return y;
  }

 private:
  const __m512 slope_, offset_;
  __m512 low_[kOrder], high_[kOrder];
};

}  // namespace

void piecewise_avx512(const PiecewiseArgs& args) {
  const Polynomials polynomials(*args.table);
  write_codes(args.codes, args.n, ToBytes(args.zero_point, args.lo, args.hi),
              [&](size_t i, auto lanes) { return polynomials(lanes.load(args.in + i)); });
}

}  // namespace qtool::kernels
