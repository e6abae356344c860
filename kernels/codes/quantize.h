#pragma once
#include <cstddef>
#include <cstdint>

namespace qtool::kernels {

/// out[i] = clamp(rne(in[i] / scale) + zero_point, lo, hi)      rne: to nearest, ties to even; NaN gives zero_point
///
/// in    n f32
/// out   n bytes: the low 8 bits, so u8 or s8 as lo and hi say
/// scale > 0 and finite; divided by, never multiplied by the reciprocal. -128 <= lo <= zero_point <= hi <= 255.
/// Any n. in and out do not overlap. No allocation, no threads, no state.
struct QuantizeArgs {
  const float* in;
  uint8_t* out;
  size_t n;
  float scale;
  int32_t zero_point, lo, hi;
};
struct Quantize {
  using Args = QuantizeArgs;
  using Fn = void(const QuantizeArgs&);
};

}  // namespace qtool::kernels
