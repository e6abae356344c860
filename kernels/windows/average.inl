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
    const In* tap = static_cast<const In*>(local.taps[t]) + local.first + from;
    if (n == kChannels)
      for (size_t c = 0; c < kChannels; ++c) sums[c] += static_cast<double>(real_of(tap[c], local));
    else
      for (size_t c = 0; c < n; ++c) sums[c] += static_cast<double>(real_of(tap[c], local));
  }
  Out* out = static_cast<Out*>(local.out) + from;
  for (size_t c = 0; c < n; ++c) store(static_cast<float>(sums[c] / local.divisor), local, out[c]);
}

/// Integer sums of n channels (kFixed, where it is not 0: a loop of known length), in 16 bits for as long as they fit.
template <class Code, size_t kFixed>
void sum_codes(const AverageArgs& args, size_t from, size_t n, int32_t* sums) {
  constexpr size_t kTaps = 128, kMost = kFixed == 0 ? 8 : kFixed;
  const size_t width = kFixed == 0 ? n : kFixed;
  for (size_t first = 0; first < args.count; first += kTaps) {
    int16_t part[kMost] = {};
    for (size_t t = first; t < std::min(args.count, first + kTaps); ++t) {
      const Code* tap = static_cast<const Code*>(args.taps[t]) + args.first + from;
      for (size_t c = 0; c < width; ++c) part[c] = static_cast<int16_t>(part[c] + tap[c]);
    }
    for (size_t c = 0; c < width; ++c) sums[c] += part[c];
  }
}

/// Any n up to kChannels, in pieces of 64, 16, 8 and less.
template <class Code>
void sum_codes(const AverageArgs& args, size_t from, size_t n, int32_t* sums) {
  if (n == kChannels) return sum_codes<Code, kChannels>(args, from, n, sums);
  size_t c = 0;
  for (; c + 16 <= n; c += 16) sum_codes<Code, 16>(args, from + c, 16, sums + c);
  for (; c + 8 <= n; c += 8) sum_codes<Code, 8>(args, from + c, 8, sums + c);
  if (c < n) sum_codes<Code, 0>(args, from + c, n - c, sums + c);
}

/// The same codes from integer sums. What roundings to f32 the formula has make less than 2^-11 of a step where the scales are no
/// more than 16 apart; where a mean lies that close to a tie, nothing is written and false returned.
template <class Code>
bool average_by_integers(const AverageArgs& args, size_t from, size_t n) {
  int32_t sums[kChannels] = {};
  sum_codes<Code>(args, from, n, sums);
  const double factor = static_cast<double>(args.scale) / (args.divisor * static_cast<double>(args.out_scale));
  const auto offset = static_cast<int32_t>(args.count) * args.zero_point;
  const double lo = args.lo - args.out_zero_point, hi = args.hi - args.out_zero_point;
  double rounded[kChannels], worst = 0;
  for (size_t c = 0; c < kChannels; ++c) {
    const double steps = static_cast<double>(sums[c] - offset) * factor;
    const double bounded = steps < -1024 ? -1024 : (steps > 1024 ? 1024 : steps);
    rounded[c] = std::nearbyint(bounded);
    const double off = std::fabs(bounded - rounded[c]);
    worst = c < n && off > worst ? off : worst;
  }
  if (worst > 0.5 - 0x1p-10) return false;
  uint8_t* out = static_cast<uint8_t*>(args.out) + from;
  for (size_t c = 0; c < n; ++c) {
    const double inside = rounded[c] < lo ? lo : (rounded[c] > hi ? hi : rounded[c]);
    out[c] = static_cast<uint8_t>(static_cast<int32_t>(inside) + args.out_zero_point);
  }
  return true;
}

template <class Code>
void average_codes(const AverageArgs& args) {
  const bool bounded = args.scale <= 16 * args.out_scale && args.count <= (1u << 20) && static_cast<double>(args.count) <= args.divisor;
  for (size_t from = 0; from < args.n; from += kChannels) {
    const size_t n = std::min(kChannels, args.n - from);
    if (!bounded || !average_by_integers<Code>(args, from, n)) average_block<Code, uint8_t>(args, from, n);
  }
}

void average_floats(const AverageArgs& args) {
  for (size_t from = 0; from < args.n; from += kChannels) average_block<float, float>(args, from, std::min(kChannels, args.n - from));
}

/// run(window) for each of the windows of the row, as if it were alone.
template <class Run>
void each_window(const AverageArgs& args, const Run& run) {
  AverageArgs window = args;
  window.row = {};
  const size_t out_step = args.row.out_step * (args.is_float ? sizeof(float) : 1);
  for (size_t w = 0; w < args.row.windows; ++w) {
    run(window);
    window.first += args.row.in_step, window.out = static_cast<uint8_t*>(window.out) + out_step;
  }
}

[[maybe_unused]] void average_any(const AverageArgs& args) {
  each_window(args, [](const AverageArgs& window) {
    if (window.is_float) return average_floats(window);
    window.is_signed ? average_codes<int8_t>(window) : average_codes<uint8_t>(window);
  });
}

}  // namespace
}  // namespace qtool::kernels
