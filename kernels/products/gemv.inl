// The loops of gemv, compiled once per instruction set: vectors run along n, so every variant adds in the same order.
#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

inline void gemv_rows(const GemvArgs& args) {
  const size_t n = args.n;
  float* __restrict out = args.out;
  size_t k = 0;
  for (; k + 4 <= args.k; k += 4) {
    const float a = args.in[k], b = args.in[k + 1], c = args.in[k + 2], d = args.in[k + 3];
    const float *w = args.weights + k * n, *x = w + n, *y = x + n, *z = y + n;
    for (size_t i = 0; i < n; ++i) out[i] = (((out[i] + a * w[i]) + b * x[i]) + c * y[i]) + d * z[i];
  }
  for (; k < args.k; ++k)
    for (size_t i = 0; i < n; ++i) out[i] += args.in[k] * args.weights[k * n + i];
}

}  // namespace
}  // namespace qtool::kernels
