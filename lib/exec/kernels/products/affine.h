#pragma once
// Depthwise 1x1 int8 convolutions (what a BatchNormalization becomes): a line a channel.

#include <optional>

#include "exec/kernels/products/code_product.h"
#include "exec/lowering.h"

namespace qtool::lowerings {

/// The step, where the convolution is one of one weight a channel and its lines fit the kernel's fixed point; else nothing. The fixed point
/// is off by less than 2^-10 of a step.
std::optional<Lowered> lower_affine(const Cluster& cluster, const CodeProduct& products, const CodeBounds& bounds);

}  // namespace qtool::lowerings
