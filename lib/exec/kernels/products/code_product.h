#pragma once
// Products of 8-bit codes with constant weights, as engines read them from a compute cluster for our own kernels.

#include <optional>
#include <string>
#include <vector>

#include "exec/cluster.h"
#include "exec/kernels/products/operands.h"

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

/// Input, weight and bias of a compute cluster, and the constant Adds that `cluster` begins its post-ops with; `axis`: of the weight's
/// channels. Weight sums are left to the caller. On refusal returns nothing and says why.
std::optional<CodeProduct> read_code_product(const Cluster& cluster, int axis, const Channels& channels, std::string& reason);

/// How many post-ops in front read_code_product takes into the bias.
size_t leading_constants(const Cluster& cluster, const Channels& channels);

/// Sums of each slice of s8 weights along the first axis.
std::vector<int64_t> sums_by_first_axis(const Tensor& weights);

/// Bounds on the codes of an output.
struct CodeBounds {
  int32_t lo, hi;
};

/// What ReLUs and Clips and saturation set, after rounding, on the 8-bit codes of the output, where post-ops from `first` on are
/// nothing else; else nothing.
std::optional<CodeBounds> bounds_behind(const Cluster& cluster, size_t first);

}  // namespace qtool::lowerings
