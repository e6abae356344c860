#pragma once
#include <immintrin.h>

#include <cstdint>

namespace qtool::kernels {
namespace {

/// A table of 256 bytes in four registers; vpermi2b looks up 7 bits in two of them, the top bit chooses the pair.
struct Table {
  __m512i quarter[4];
  explicit Table(const uint8_t* table) {
    for (int q = 0; q < 4; ++q) quarter[q] = _mm512_loadu_si512(table + 64 * q);
  }
  __attribute__((target("avx512vbmi"))) __m512i operator()(__m512i codes) const {
    const __m512i low = _mm512_permutex2var_epi8(quarter[0], codes, quarter[1]);
    const __m512i high = _mm512_permutex2var_epi8(quarter[2], codes, quarter[3]);
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(codes), low, high);
  }
};

}  // namespace
}  // namespace qtool::kernels
