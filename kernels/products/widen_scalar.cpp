#include "kernels/registry.h"

namespace qtool::kernels {

void widen_scalar(const WidenArgs& args) {
  for (size_t k = 0; k < args.rows; ++k)
    for (size_t n = 0; n < 8; ++n) args.out[k * 8 + n] = static_cast<float>(args.codes[k * 8 + n]) * args.scale[k / args.group * 8 + n];
}

void widen_nibbles_scalar(const WidenNibblesArgs& args) {
  for (size_t k = 0; k < args.rows; ++k)
    for (size_t n = 0; n < 8; ++n) {
      const size_t at = k / args.group * 8 + n;
      const int code = args.codes[k / 2 * 8 + n] >> 4 * (k % 2) & 15;
      args.out[k * 8 + n] = static_cast<float>(code - args.zero[at]) * args.scale[at];
    }
}

}  // namespace qtool::kernels
