#include <algorithm>

#include "kernels/registry.h"

namespace qtool::kernels {

void gemm_pack_scalar(const GemmPackArgs& args) {
  const GemmPacking& packing = args.packing;
  std::fill_n(args.packed, packing.size(), int8_t{0});
  if (args.sums) std::fill_n(args.sums, packing.padded_n(), 0);
  for (size_t n = 0; n < packing.n; ++n)
    for (size_t t = 0; t < packing.taps; ++t)
      for (size_t k = 0; k < packing.depth; ++k) {
        const auto value = static_cast<int8_t>(args.b[t * args.step_t + k * args.step_k + n * args.step_n] ^ args.flip);
        args.packed[packing.index(t, k, n)] = value;
        if (args.sums) args.sums[n] += value;
      }
}

}  // namespace qtool::kernels
