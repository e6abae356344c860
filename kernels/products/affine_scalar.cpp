#include <algorithm>

#include "kernels/registry.h"

namespace qtool::kernels {

void affine_scalar(const AffineArgs& args) {
  for (size_t i = 0; i < args.pixels * args.channels; ++i) {
    const size_t c = affine_index(i % args.channels);
    const int32_t x = static_cast<uint8_t>(args.in[i] ^ args.flip);
    args.out[i] = static_cast<uint8_t>(std::clamp((x * args.multiplier[c] + args.offset[c]) >> args.shift, args.lo, args.hi));
  }
}

}  // namespace qtool::kernels
