#pragma once
// Depthwise 1x1 int8 convolutions (what a BatchNormalization becomes): a line a channel.

#include <optional>

#include "exec/lowering.h"
#include "exec/onednn/products/products.h"

namespace qtool::onednn {

/// The step, where the convolution is one of one weight a channel with nothing behind but what clamps, its lines fit the kernel's
/// fixed point, and this processor has a fast variant; else nothing. The fixed point is off by less than 2^-10 of a step.
std::optional<Lowered> lower_affine(const Cluster& cluster, const Products& products);

}  // namespace qtool::onednn
