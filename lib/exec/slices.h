#pragma once
// Parts of tensors along one axis, for Loop and Scan. Any element type but strings.

#include <vector>

#include "tensor/tensor.h"

namespace qtool {

/// The part at `index` of `axis`, without that axis.
Tensor part_at(const Tensor& tensor, int64_t axis, int64_t index);

/// Tensors of one shape joined along a new axis. Throws Error(invalid_file) when they differ.
Tensor stack(const std::vector<Tensor>& parts, int64_t axis);

}  // namespace qtool
