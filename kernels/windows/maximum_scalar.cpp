#include <algorithm>

#include "kernels/registry.h"

namespace qtool::kernels {

void maximum_scalar(const MaximumArgs& args) {
  const uint8_t flip = args.is_signed ? 0x80 : 0;  // s8 in the order of u8
  for (size_t window = 0; window < args.row.windows; ++window)
    for (size_t i = 0; i < args.n; ++i) {
      uint8_t top = 0;
      for (size_t t = 0; t < args.count; ++t) top = std::max<uint8_t>(top, args.taps[t][window * args.row.in_step + i] ^ flip);
      args.out[window * args.row.out_step + i] = top ^ flip;
    }
}

}  // namespace qtool::kernels
