#pragma once
#include <cstddef>
#include <cstdint>

namespace qtool::kernels {

/// out[i] = float(in[i] - zero_point) * scale
///
/// in    n bytes, u8; or s8 where is_signed
/// out   n f32, not overlapping in
struct DequantizeArgs {
  const uint8_t* in;
  float* out;
  size_t n;
  float scale;
  int32_t zero_point;
  bool is_signed;
};
struct Dequantize {
  using Args = DequantizeArgs;
  using Fn = void(const DequantizeArgs&);
};

}  // namespace qtool::kernels
