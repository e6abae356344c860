#pragma once
// Products of 8-bit codes with constant weights, as every engine reads them from a compute cluster.

#include <optional>
#include <string>
#include <vector>

#include "exec/cluster.h"

namespace qtool::lowerings {

/// accumulator = sum over (x - zero_point) * weights;  y = accumulator * factors[c] + bias[c], real.
struct CodeProduct {
  DType in_dtype = DType::uint8;
  int32_t zero_point = 0;            ///< of x
  Tensor weights;                    ///< s8, as the file has them
  std::vector<float> factors;        ///< one a channel
  std::vector<double> bias;          ///< one a channel: the bias, and constants added behind
  std::vector<int64_t> weight_sums;  ///< of a channel, where all of them meet every output but at the borders
};

/// Bounds on the codes of an output.
struct CodeBounds {
  int32_t lo, hi;
};

/// What ReLUs and Clips and saturation set, after rounding, on the 8-bit codes of the output, where post-ops from `first` on are
/// nothing else; else nothing.
std::optional<CodeBounds> bounds_behind(const Cluster& cluster, size_t first);

}  // namespace qtool::lowerings
