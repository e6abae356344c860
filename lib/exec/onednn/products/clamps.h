#pragma once
// Epilogues that only add a bias and clamp: what our own kernels do behind a sum of products.

#include <optional>

#include "exec/onednn/products/epilogue.h"

namespace qtool::onednn {

/// Bounds on the codes of an output.
struct CodeBounds {
  int32_t lo, hi;
};

/// Where nothing follows the sum but constants that `epilogue` took into its bias, and ReLUs and Clips: the bounds these and saturation
/// set on the 8-bit codes of the output, after rounding. Else nothing.
std::optional<CodeBounds> clamp_of(const Cluster& cluster, const Epilogue& epilogue);

}  // namespace qtool::onednn
