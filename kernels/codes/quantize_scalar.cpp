#include <algorithm>
#include <cmath>

#include "kernels/registry.h"

namespace qtool::kernels {

void quantize_scalar(const QuantizeArgs& args) {
  const float lo = static_cast<float>(args.lo - args.zero_point), hi = static_cast<float>(args.hi - args.zero_point);
  for (size_t i = 0; i < args.n; ++i) {
    const float steps = std::nearbyint(args.in[i] / args.scale);
    const float inside = std::isnan(steps) ? 0.0f : std::clamp(steps, lo, hi);
    args.out[i] = static_cast<uint8_t>(static_cast<int32_t>(inside) + args.zero_point);
  }
}

}  // namespace qtool::kernels
