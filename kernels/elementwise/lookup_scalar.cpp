#include "kernels/registry.h"

namespace qtool::kernels {

void lookup_scalar(const LookupArgs& args) {
  for (size_t i = 0; i < args.n; ++i) args.out[i] = args.table[args.in[i]];
}

}  // namespace qtool::kernels
