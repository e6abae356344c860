#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

template <class Code>
void sums(const RowSumsArgs& args) {
  for (size_t i = 0; i < args.m; ++i) {
    int32_t sum = 0;
    for (size_t k = 0; k < args.depth; ++k) sum += static_cast<Code>(args.a[i * args.stride + k]);
    args.out[i] = args.factor * sum;
  }
}

}  // namespace

void row_sums_scalar(const RowSumsArgs& args) { sums<int8_t>(args); }
void row_sums_u8_scalar(const RowSumsArgs& args) { sums<uint8_t>(args); }

}  // namespace qtool::kernels
