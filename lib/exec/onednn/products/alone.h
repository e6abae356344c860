#pragma once
#include "exec/lowering.h"

namespace qtool::onednn {

/// An AloneFn: what oneDNN itself needs for one product, the yardstick of `bench --primitives`.
std::optional<double> product_alone_us(const Node& node, std::span<const Shape> inputs, bool int8);

}  // namespace qtool::onednn
