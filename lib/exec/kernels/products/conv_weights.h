#pragma once
// Weights of convolutions in the order that products read them.

#include "tensor/tensor.h"

namespace qtool::lowerings {

/// [out, in, place] -> [out, tap, padded], taps of `row` places: what the kernel sums up lies side by side, channels innermost, zeros
/// behind.
Tensor by_taps(const Tensor& weights, int64_t row, int64_t padded);

}  // namespace qtool::lowerings
