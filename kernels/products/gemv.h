#pragma once
#include <cstddef>
#include <cstdint>

#include "kernels/products/float_gemm.h"

namespace qtool::kernels {

/// One row of floats times packed weights of codes:
///
///   y[n] = start[n], then for every k < depth:  y = fma(in[k], w(k, n), y)      in this order
///   out[n] = min(max(y, lo), hi)  for n < packing.n; a NaN stays one
///
/// The bits of FloatGemm on what Widen (or WidenNibbles) makes of each panel of 8 columns. packing.taps is 1, depth >= 1. start and out
/// hold n floats and may be the same; nothing else overlaps. Panels lie one behind the other, each with its own scales. Callers may
/// compute some panels alone. No allocation, no threads, no state.
struct GemvRow {
  const float* in;
  FloatGemmPacking packing;
  const float* scale;  ///< [panels][groups][8]
  size_t group;        ///< rows that share their scales; even for nibbles
  const float* start;
  float lo, hi;
  float* out;

  constexpr size_t groups() const { return (packing.depth + group - 1) / group; }
};

struct GemvBytesArgs : GemvRow {
  const int8_t* codes;  ///< [panels][depth][8]
  constexpr size_t panel_bytes() const { return packing.depth * 8; }
};
struct GemvBytes {
  using Args = GemvBytesArgs;
  using Fn = void(const GemvBytesArgs&);
};

struct GemvNibblesArgs : GemvRow {
  const uint8_t* codes;  ///< [panels][(depth + 1) / 2][8], the even row in the low half
  const uint8_t* zero;   ///< as scale, 0..15
  constexpr size_t panel_bytes() const { return (packing.depth + 1) / 2 * 8; }
};
struct GemvNibbles {
  using Args = GemvNibblesArgs;
  using Fn = void(const GemvNibblesArgs&);
};

}  // namespace qtool::kernels
