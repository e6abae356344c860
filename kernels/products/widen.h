#pragma once
#include <cstddef>
#include <cstdint>

namespace qtool::kernels {

/// out[k * 8 + n] = float(codes[k * 8 + n]) * scale[n]        k < rows, n < 8
///
/// Packed s8 weights, zero points taken off, as the f32 panel that FloatGemm reads (FloatGemmPacking, kColumns columns): codes lie where
/// the floats will. Each product is rounded once, so that a panel has the bits of DequantizeLinear. out overlaps nothing else. Any rows
/// (0 too). No allocation, no threads, no state.
struct WidenArgs {
  const int8_t* codes;
  const float* scale;  ///< 8
  float* out;
  size_t rows;
};
struct Widen {
  using Args = WidenArgs;
  using Fn = void(const WidenArgs&);
};

}  // namespace qtool::kernels
