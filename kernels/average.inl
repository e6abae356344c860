#include <algorithm>
#include <cmath>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

constexpr size_t kChannels = 64;

float real_of(float x, const AverageArgs&) { return x; }
template <class Code>
float real_of(Code code, const AverageArgs& args) {
  return static_cast<float>(static_cast<int32_t>(code) - args.zero_point) * args.scale;
}

void store(float mean, const AverageArgs&, float& out) { out = mean; }
void store(float mean, const AverageArgs& args, uint8_t& out) {
  const float lo = static_cast<float>(args.lo - args.out_zero_point), hi = static_cast<float>(args.hi - args.out_zero_point);
  const float steps = std::nearbyint(mean / args.out_scale);
  const float inside = steps < lo ? lo : (steps > hi ? hi : (steps != steps ? 0.0f : steps));
  out = static_cast<uint8_t>(static_cast<int32_t>(inside) + args.out_zero_point);
}

template <class In, class Out>
void average_block(const AverageArgs& args, size_t from, size_t n) {
  double sums[kChannels] = {};
  const AverageArgs local = args;  // so that stores to out cannot seem to change it
  for (size_t t = 0; t < local.count; ++t) {
    const In* tap = static_cast<const In*>(local.taps[t]) + from;
    if (n == kChannels)
      for (size_t c = 0; c < kChannels; ++c) sums[c] += static_cast<double>(real_of(tap[c], local));
    else
      for (size_t c = 0; c < n; ++c) sums[c] += static_cast<double>(real_of(tap[c], local));
  }
  Out* out = static_cast<Out*>(local.out) + from;
  for (size_t c = 0; c < n; ++c) store(static_cast<float>(sums[c] / local.divisor), local, out[c]);
}

template <class In, class Out>
void average_all(const AverageArgs& args) {
  for (size_t from = 0; from < args.n; from += kChannels) average_block<In, Out>(args, from, std::min(kChannels, args.n - from));
}

void average_any(const AverageArgs& args) {
  if (args.is_float) return average_all<float, float>(args);
  args.is_signed ? average_all<int8_t, uint8_t>(args) : average_all<uint8_t, uint8_t>(args);
}

}  // namespace
}  // namespace qtool::kernels
