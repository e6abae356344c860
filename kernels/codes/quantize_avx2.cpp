#include "kernels/codes/rounding_avx2.h"
#include "kernels/registry.h"

namespace qtool::kernels {

void quantize_avx2(const QuantizeArgs& args) {
  const __m256 scale = _mm256_set1_ps(args.scale);
  const __m256 lo = _mm256_set1_ps(static_cast<float>(args.lo - args.zero_point)),
               hi = _mm256_set1_ps(static_cast<float>(args.hi - args.zero_point));
  const __m256i zero_point = _mm256_set1_epi32(args.zero_point);
  size_t i = 0;
  for (; i + 8 <= args.n; i += 8) {
    const __m256i codes = codes_of(_mm256_loadu_ps(args.in + i), scale, lo, hi, zero_point);
    _mm_storel_epi64(reinterpret_cast<__m128i*>(args.out + i), low_bytes(codes));
  }
  QuantizeArgs rest = args;
  rest.in += i, rest.out += i, rest.n -= i;
  quantize_scalar(rest);
}

}  // namespace qtool::kernels
