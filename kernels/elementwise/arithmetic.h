#pragma once
#include <cstddef>
#include <cstdint>

namespace qtool::kernels {

enum class ArithmeticOp { add, sub, mul, div };

/// real a = float(a[i] - a.zero_point) * a.scale, b alike;   y = min(max(a op b, low), high), each step rounded to f32
/// out[i] = clamp(rne(y / scale) + zero_point, lo, hi)        rne: to nearest, ties to even; NaN gives zero_point
///
/// a, b   n bytes, u8, or s8 where is_signed; where `repeated`, one byte that stands for all n
/// out    n bytes, not overlapping a or b unless equal to one of them
/// A NaN (0 / 0) skips min and max. scale > 0 and finite. -128 <= lo <= zero_point <= hi <= 255.
struct ArithmeticOperand {
  const uint8_t* codes;
  float scale;
  int32_t zero_point;
  bool is_signed, repeated;
};
struct ArithmeticArgs {
  ArithmeticOp op;
  ArithmeticOperand a, b;
  uint8_t* out;
  size_t n;
  float low, high;
  float scale;
  int32_t zero_point, lo, hi;
};
struct Arithmetic {
  using Args = ArithmeticArgs;
  using Fn = void(const ArithmeticArgs&);
};

}  // namespace qtool::kernels
