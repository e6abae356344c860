#include <bit>
#include <cmath>

#include "kernels/registry.h"
#include "kernels/rows/rows.inl"

namespace qtool::kernels {
namespace {

/// v^(-3/4)
float power_of(float v) {
  const float q = std::bit_cast<float>(kQuarterRoot - (std::bit_cast<int32_t>(v) >> 2)), square = q * q;
  const float h = std::fma(-(v * square), square, 1.0f);
  float p = kThreeQuarters[5];
  for (int k = 4; k >= 0; --k) p = std::fma(p, h, kThreeQuarters[k]);
  return square * q * p;
}

float code(const LocalResponseArgs& args, size_t i) {
  return static_cast<float>((args.in_signed ? static_cast<int8_t>(args.in[i]) : args.in[i]) - args.in_zero_point);
}

}  // namespace

void local_response_scalar(const LocalResponseArgs& args) {
  for (size_t r = 0; r < args.rows; ++r)
    for (size_t c = 0; c < args.n; ++c) {
      const size_t first = c < args.half ? 0 : c - args.half, last = c + args.half < args.n ? c + args.half : args.n - 1;
      float square = 0;
      for (size_t d = first; d <= last; ++d) square = std::fma(code(args, r * args.n + d), code(args, r * args.n + d), square);
      const float power = power_of(std::fma(args.factor, square, args.bias));
      args.out[r * args.n + c] = code_of(power * code(args, r * args.n + c) * args.steps, args.zero_point, args.lo, args.hi);
    }
}

}  // namespace qtool::kernels
