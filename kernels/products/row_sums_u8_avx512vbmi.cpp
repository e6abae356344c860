#include <immintrin.h>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

int32_t sum_of(const int8_t* row, size_t depth) {
  __m512i sums = _mm512_setzero_si512();
  const __m512i ones = _mm512_set1_epi8(1);
  size_t k = 0;
  for (; k + 64 <= depth; k += 64) sums = _mm512_dpbusd_epi32(sums, _mm512_loadu_si512(row + k), ones);
  const __mmask64 rest = (uint64_t{1} << (depth - k)) - 1;
  return _mm512_reduce_add_epi32(_mm512_dpbusd_epi32(sums, _mm512_maskz_loadu_epi8(rest, row + k), ones));
}

}  // namespace

void row_sums_u8_avx512vbmi(const RowSumsArgs& args) {
  for (size_t i = 0; i < args.m; ++i) args.out[i] = args.factor * sum_of(args.a + i * args.stride, args.depth);
}

}  // namespace qtool::kernels
