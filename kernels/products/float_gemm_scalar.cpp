#include <cmath>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

const float* row(const FloatGemmArgs& args, size_t i, size_t t) {
  return args.offsets ? args.a + args.offsets[t * args.offsets_step + i] : args.a + i * args.a_stride;
}

float sum(const FloatGemmArgs& args, size_t i, size_t n) {
  float y = args.start[n];
  for (size_t t = 0; t < args.packing.taps; ++t) {
    const float* a = row(args, i, t);
    for (size_t k = 0; k < args.packing.depth; ++k) y = std::fma(a[k], args.b[args.packing.index(t, k, n)], y);
  }
  return y;
}

float clamped(float y, float lo, float hi) { return y <= lo ? lo : y >= hi ? hi : y; }

}  // namespace

void float_gemm_scalar(const FloatGemmArgs& args) {
  for (size_t i = 0; i < args.m; ++i)
    for (size_t n = 0; n < args.packing.n; ++n) args.out[i * args.out_stride + n] = clamped(sum(args, i, n), args.lo, args.hi);
}

}  // namespace qtool::kernels
