#include <immintrin.h>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

#define QTOOL_VBMI __attribute__((target("avx512vbmi")))

/// 64 bytes at `at`, of them `count` readable.
__m512i load(const uint8_t* at, size_t count) {
  return count >= 64 ? _mm512_loadu_si512(at) : _mm512_maskz_loadu_epi8(~__mmask64{0} >> (64 - count), at);
}

QTOOL_VBMI __m512i block(const PermuteTable& table, size_t b, const uint8_t* row) {
  __m512i out = _mm512_setzero_si512();
  for (size_t s = table.first[b]; s < table.first[b + 1]; ++s) {
    const PermuteTable::Step& step = table.steps[s];
    const __m512i low = load(row + step.from[0], table.in_width), high = load(row + step.from[1], table.in_width);
    out = _mm512_mask_mov_epi8(out, step.lanes, _mm512_permutex2var_epi8(low, _mm512_loadu_si512(step.select), high));
  }
  return out;
}

}  // namespace

/// Whole vectors but in the last row: what is too much is written over by the next.
QTOOL_VBMI void permute_avx512vbmi(const PermuteArgs& args) {
  const PermuteTable& table = *args.table;
  const size_t width = table.index.size();
  for (size_t r = 0; r < args.rows; ++r) {
    uint8_t* out = args.out + r * width;
    for (size_t b = 0; 64 * b < width; ++b) {
      const __m512i bytes = block(table, b, args.in + r * table.in_width);
      const size_t left = (args.rows - r) * width - 64 * b;
      if (left >= 64)
        _mm512_storeu_si512(out + 64 * b, bytes);
      else
        _mm512_mask_storeu_epi8(out + 64 * b, ~__mmask64{0} >> (64 - left), bytes);
    }
  }
}

}  // namespace qtool::kernels
