#pragma once
// Convolutions of codes that leave out what lies on padding.

#include <memory>

#include "exec/kernels/products/code_side.h"
#include "exec/lowering.h"

namespace qtool::lowerings {

/// True for windows of several places in one or two dimensions, the last not dilated, without groups, on a kernel that takes parts of its
/// depth.
bool leaves_out_padding(const Node& node, const CodeSide& side);

/// The step of such a convolution. `side` holds weights [out, in, kernel..].
std::unique_ptr<Step> border_conv(const Node& node, CodeSide side);

}  // namespace qtool::lowerings
