#pragma once
// The window of MaxPool and GlobalMaxPool.

#include "exec/kernels/windows/window.h"

namespace qtool::lowerings {

Window pool_window(const Node& node, const Shape& in);

/// Shape of the output; what ceil_mode adds to the padding, or floor leaves, is written to window.end.
Shape pool_output(const Node& node, const Shape& in, Window& window);

}  // namespace qtool::lowerings
