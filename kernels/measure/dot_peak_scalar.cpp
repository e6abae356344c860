#include "kernels/registry.h"

namespace qtool::kernels {

void dot_peak_scalar(const DotPeakArgs& args) {
  int8_t a[64], b[64];
  for (int i = 0; i < 64; ++i) a[i] = 1, b[i] = 2;
  int32_t sum = 0;
  for (size_t round = 0; round < args.rounds; ++round) {
    for (int i = 0; i < 64; ++i) sum += a[i] * b[i];
    asm volatile("" : : "r"(a), "r"(b) : "memory");
  }
  *args.sink = sum;
  *args.macs = static_cast<int64_t>(args.rounds * 64);
}

}  // namespace qtool::kernels
