#pragma once
#include <cstddef>
#include <cstdint>

namespace qtool::kernels {

/// out[k * 8 + n] = float(codes[k * 8 + n]) * scale[k / group * 8 + n]        k < rows, n < 8
///
/// Packed s8 weights, zero points taken off, as the f32 panel that FloatGemm reads (FloatGemmPacking, kColumns columns): codes lie where
/// the floats will. Each product is rounded once, so that a panel has the bits of DequantizeLinear. out overlaps nothing else. Any rows
/// (0 too), group >= 1. No allocation, no threads, no state.
struct WidenArgs {
  const int8_t* codes;
  const float* scale;  ///< 8 a group
  float* out;
  size_t rows;
  size_t group;  ///< rows that share their scales
};
struct Widen {
  using Args = WidenArgs;
  using Fn = void(const WidenArgs&);
};

/// out[k * 8 + n] = float(code(k, n) - zero[k / group * 8 + n]) * scale[k / group * 8 + n]        k < rows, n < 8
/// code(k, n) = codes[k / 2 * 8 + n] >> 4 * (k % 2) & 15
///
/// As Widen, of 4-bit weights: two rows a byte, the even one in the low half. group is even.
struct WidenNibblesArgs {
  const uint8_t* codes;
  const float* scale;   ///< 8 a group
  const uint8_t* zero;  ///< 8 a group, 0..15
  float* out;
  size_t rows;
  size_t group;
};
struct WidenNibbles {
  using Args = WidenNibblesArgs;
  using Fn = void(const WidenNibblesArgs&);
};

}  // namespace qtool::kernels
