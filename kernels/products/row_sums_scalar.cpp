#include "kernels/registry.h"

namespace qtool::kernels {

void row_sums_scalar(const RowSumsArgs& args) {
  for (size_t i = 0; i < args.m; ++i) {
    int32_t sum = 0;
    for (size_t k = 0; k < args.depth; ++k) sum += args.a[i * args.stride + k];
    args.out[i] = args.factor * sum;
  }
}

}  // namespace qtool::kernels
