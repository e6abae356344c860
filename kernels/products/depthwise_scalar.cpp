#include <cmath>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

int32_t input(const DepthwiseArgs& args, size_t r, size_t column, size_t c) {
  const size_t i = column - args.left;
  return column < args.left || i >= args.in_width ? args.zero_point : args.rows[r][i * args.channels + c] ^ args.flip;
}

int32_t accumulate(const DepthwiseArgs& args, size_t t, size_t x, size_t c) {
  const DepthwisePacking packing{args.channels, args.kw, args.groups, args.shifts};
  int32_t acc = args.start[c];
  for (size_t kx = 0; kx < args.kw; ++kx)
    for (size_t r = 0; r < 4 * args.groups; ++r)
      acc += input(args, r, x * args.stride + kx * args.dilation, c) * args.weights[packing.index(c / 16, t, kx, r, c)];
  return acc;
}

void once(const DepthwiseArgs& args) {
  for (size_t t = 0; t < args.out_rows; ++t)
    for (size_t x = 0; x < args.out_width; ++x)
      for (size_t c = 0; c < args.channels; ++c) {
        const float v = std::nearbyint(std::fma(static_cast<float>(accumulate(args, t, x, c)), args.scale[c], args.shift[c]));
        const double y = std::clamp<double>(static_cast<double>(v) + args.out_zero_point, args.lo, args.hi);
        const auto code = static_cast<uint8_t>(static_cast<int32_t>(y));
        args.out[t][x * args.channels + c] = args.table ? args.table[code] : code;
      }
}

}  // namespace

void depthwise_scalar(const DepthwiseArgs& args) {
  for (size_t i = 0; i < args.times; ++i) once(args.at(i));
}

}  // namespace qtool::kernels
