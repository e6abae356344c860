#pragma once
// Strides, dilations and padding of convolutions and pools.

#include <string>
#include <vector>

#include "graph/node.h"
#include "tensor/shape.h"

namespace qtool::lowerings {

/// One entry a spatial dimension.
struct Window {
  Shape kernel, strides, dilations, begin, end;
  bool padded() const;
  Shape dilations_from_zero() const;  ///< oneDNN counts the gaps: ONNX dilation 1 is 0

  /// Elements of the output along each spatial dimension; `ceil`: pools with ceil_mode.
  Shape output(const Shape& input, bool ceil = false) const;
};

/// The attributes of `node` for an input N C spatial..., auto_pad resolved (not for ConvTranspose).
Window window_of(const Node& node, const Shape& input, const Shape& kernel);

}  // namespace qtool::lowerings
