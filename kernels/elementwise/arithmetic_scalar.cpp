#include <algorithm>
#include <cmath>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

float real(const ArithmeticOperand& x, size_t i) {
  const uint8_t bits = x.codes[x.repeated ? 0 : i];
  const int32_t code = x.is_signed ? static_cast<int8_t>(bits) : bits;
  return static_cast<float>(code - x.zero_point) * x.scale;
}

float apply(ArithmeticOp op, float a, float b) {
  switch (op) {
    case ArithmeticOp::add:
      return a + b;
    case ArithmeticOp::sub:
      return a - b;
    case ArithmeticOp::mul:
      return a * b;
    default:
      return a / b;
  }
}

}  // namespace

void arithmetic_scalar(const ArithmeticArgs& args) {
  const float lo = static_cast<float>(args.lo - args.zero_point), hi = static_cast<float>(args.hi - args.zero_point);
  for (size_t i = 0; i < args.n; ++i) {
    const float y = apply(args.op, real(args.a, i), real(args.b, i));
    const float steps = std::nearbyint(std::min(std::max(y, args.low), args.high) / args.scale);
    const float inside = std::isnan(y) || std::isnan(steps) ? 0.0f : std::clamp(steps, lo, hi);
    args.out[i] = static_cast<uint8_t>(static_cast<int32_t>(inside) + args.zero_point);
  }
}

}  // namespace qtool::kernels
