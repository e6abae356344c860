#include <bit>

#include "kernels/registry.h"
#include "kernels/rows/rows.inl"

namespace qtool::kernels {
namespace {

/// v^(-3/4)
float power_of(float v) {
  float q = std::bit_cast<float>(kQuarterRoot - (std::bit_cast<int32_t>(v) >> 2));
  const float quarter = 0.25f * v;
  for (int step = 0; step < 3; ++step) {
    const float square = q * q;
    q = q * (1.25f - (quarter * square) * square);
  }
  return q * q * q;
}

float real(const LocalResponseArgs& args, size_t i) {
  const int code = args.in_signed ? static_cast<int8_t>(args.in[i]) : args.in[i];
  return static_cast<float>(code - args.in_zero_point) * args.in_scale;
}

}  // namespace

void local_response_scalar(const LocalResponseArgs& args) {
  for (size_t r = 0; r < args.rows; ++r)
    for (size_t c = 0; c < args.n; ++c) {
      const size_t first = c < args.half ? 0 : c - args.half, last = c + args.half < args.n ? c + args.half : args.n - 1;
      float square = 0;
      for (size_t d = first; d <= last; ++d) square += real(args, r * args.n + d) * real(args, r * args.n + d);
      const float power = power_of(args.bias + args.factor * square);
      args.out[r * args.n + c] = code_of(real(args, r * args.n + c) * power * args.steps, args.zero_point, args.lo, args.hi);
    }
}

}  // namespace qtool::kernels
