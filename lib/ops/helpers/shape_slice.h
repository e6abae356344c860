#pragma once
#include "ops/op_def.h"

namespace qtool {

/// The output of a Shape node for an input of this shape: attributes start and end (opset 15) cut it, negative from the back, clamped.
Tensor shape_slice(const Node& node, const Shape& shape);

}  // namespace qtool
