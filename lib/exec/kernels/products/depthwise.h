#pragma once
// Depthwise int8 convolutions through our own kernel.

#include <optional>

#include "exec/kernels/products/code_product.h"
#include "exec/lowering.h"

namespace qtool::lowerings {

/// The step, where the convolution is 2-d with one channel a group and at most 8 rows; else nothing.
std::optional<Lowered> lower_depthwise(const Cluster& cluster, const CodeProduct& products, const CodeBounds& bounds);

}  // namespace qtool::lowerings
