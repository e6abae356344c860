#include <immintrin.h>

#include "kernels/registry.h"

namespace qtool::kernels {

/// Sixteen independent chains hide the latency of vpdpbusd. In assembly, so that nothing else is in the loop.
void dot_peak_avx512(const DotPeakArgs& args) {
  size_t rounds = args.rounds;
  __m512i sum;
  asm volatile(
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n vpxord %%zmm\\r, %%zmm\\r, %%zmm\\r\n.endr\n"
      "vpxord %%zmm16, %%zmm16, %%zmm16\n vpxord %%zmm17, %%zmm17, %%zmm17\n"
      "1:\n"
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n vpdpbusd %%zmm16, %%zmm17, %%zmm\\r\n.endr\n"
      "dec %0\n jnz 1b\n vmovdqa64 %%zmm0, %1\n"
      : "+r"(rounds), "=v"(sum)
      :
      : "cc", "zmm0", "zmm1", "zmm2", "zmm3", "zmm4", "zmm5", "zmm6", "zmm7", "zmm8", "zmm9", "zmm10", "zmm11", "zmm12", "zmm13", "zmm14",
        "zmm15", "zmm16", "zmm17");
  *args.sink = _mm512_reduce_add_epi32(sum);
  *args.macs = static_cast<int64_t>(args.rounds * 16 * 64);
}

}  // namespace qtool::kernels
