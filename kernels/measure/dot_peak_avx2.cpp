#include <immintrin.h>

#include "kernels/registry.h"

namespace qtool::kernels {

/// Without VNNI a dot product of bytes is two instructions and an addition.
[[gnu::target("avx2")]] void dot_peak_avx2(const DotPeakArgs& args) {
  constexpr size_t kChains = 8;
  __m256i sums[kChains];
  for (auto& sum : sums) sum = _mm256_setzero_si256();
  __m256i a = _mm256_set1_epi8(1), b = _mm256_set1_epi8(2);
  const __m256i ones = _mm256_set1_epi16(1);
  for (size_t round = 0; round < args.rounds; ++round)
    for (auto& sum : sums) {
      asm volatile("" : "+x"(a), "+x"(b));
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), ones));
    }
  __m256i all = _mm256_setzero_si256();
  for (const auto& sum : sums) all = _mm256_add_epi32(all, sum);
  *args.sink = _mm256_extract_epi32(all, 0);
  *args.macs = static_cast<int64_t>(args.rounds * kChains * 32);
}

}  // namespace qtool::kernels
