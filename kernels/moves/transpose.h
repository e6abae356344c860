#pragma once
#include <cstddef>
#include <cstdint>

namespace qtool::kernels {

/// out[c * out_stride + r] = in[r * in_stride + c]      r < rows, c < columns; elements of `width` bytes, 1 or 4
///
/// Strides in elements. out is written only where the formula says; in and out do not overlap. Planes N C P -> N P C of an
/// image are rows = C, columns = P.
struct TransposeArgs {
  const void* in;
  void* out;
  size_t rows, columns, in_stride, out_stride, width;
};
struct Transpose {
  using Args = TransposeArgs;
  using Fn = void(const TransposeArgs&);
};

}  // namespace qtool::kernels
