#pragma once
// Activations between floats and codes, as polynomials.

#include <optional>

#include "exec/kernels/elementwise/curves.h"
#include "tensor/quant_math.h"

namespace qtool::lowerings {

/// The activations at `post_ops` in steps of `out`, off by at most 2^-11 of a step wherever codes do not saturate; nothing where
/// polynomials of this degree do not come so near: kinks, functions that are no line far out, very small steps.
std::optional<kernels::PiecewiseTable> piecewise_of(std::span<const PostOp> post_ops, const QuantParams& out);

}  // namespace qtool::lowerings
