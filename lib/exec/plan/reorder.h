#pragma once
#include "exec/lowering.h"

namespace qtool {

/// The same tensor in the other layout; lower ranks than 3 and `from` already in it come back as they are (shared).
Array reordered(const Array& from, Layout wanted, BufferPool& pool);

/// Row-major whatever the layout it lies in; for hooks and comparisons.
Tensor plain_tensor(const Array& array);

}  // namespace qtool
