#include "kernels/registry.h"

namespace qtool::kernels {

void widen_scalar(const WidenArgs& args) {
  for (size_t k = 0; k < args.rows; ++k)
    for (size_t n = 0; n < 8; ++n) args.out[k * 8 + n] = static_cast<float>(args.codes[k * 8 + n]) * args.scale[n];
}

}  // namespace qtool::kernels
