#include <immintrin.h>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

/// The table in four registers; vpermi2b looks up 7 bits in two of them, the top bit chooses the pair.
struct Table {
  __m512i quarter[4];
  __attribute__((target("avx512vbmi"))) __m512i operator()(__m512i codes) const {
    const __m512i low = _mm512_permutex2var_epi8(quarter[0], codes, quarter[1]);
    const __m512i high = _mm512_permutex2var_epi8(quarter[2], codes, quarter[3]);
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(codes), low, high);
  }
};

}  // namespace

__attribute__((target("avx512vbmi"))) void lookup_avx512vbmi(const LookupArgs& args) {
  Table table;
  for (int q = 0; q < 4; ++q) table.quarter[q] = _mm512_loadu_si512(args.table + 64 * q);
  size_t i = 0;
  for (; i + 64 <= args.n; i += 64) _mm512_storeu_si512(args.out + i, table(_mm512_loadu_si512(args.in + i)));
  if (i == args.n) return;
  const __mmask64 rest = ~__mmask64{0} >> (64 - (args.n - i));
  _mm512_mask_storeu_epi8(args.out + i, rest, table(_mm512_maskz_loadu_epi8(rest, args.in + i)));
}

}  // namespace qtool::kernels
