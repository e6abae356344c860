#pragma once
// Depthwise int8 convolutions through our own kernel.

#include <optional>

#include "exec/lowering.h"
#include "exec/onednn/products/products.h"

namespace qtool::onednn {

/// The step, where the convolution is one the kernel is fast at (2-d, one channel a group, a window 3, 5 or 7 wide with as many rows or a
/// few less, stride 1 or 2 along it, nothing behind but what clamps) and this processor has a fast variant; else nothing.
std::optional<Lowered> lower_depthwise(const Cluster& cluster, const Products& products);

}  // namespace qtool::onednn
