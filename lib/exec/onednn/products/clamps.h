#pragma once
// Epilogues that only add a bias and clamp: what our own kernels do behind a sum of products.

#include <optional>

#include "exec/kernels/products/code_product.h"
#include "exec/onednn/products/products.h"

namespace qtool::onednn {

/// Where nothing follows the sum but constants that `epilogue` took into its bias, and ReLUs and Clips: the bounds these and saturation
/// set on the 8-bit codes of the output, after rounding. Else nothing.
std::optional<CodeBounds> clamp_of(const Cluster& cluster, const Epilogue& epilogue);

/// An int8 product as our own kernels take it.
CodeProduct code_product(const Products& products);

}  // namespace qtool::onednn
