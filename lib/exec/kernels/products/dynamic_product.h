#pragma once
// MatMulIntegerToFloat: products of u8 codes whose scale and zero point are computed at run time with a constant s8 matrix.

#include <optional>
#include <string>
#include <vector>

#include "exec/cluster.h"

namespace qtool::lowerings {

/// Inputs of MatMulIntegerToFloat.
enum DynamicInput : size_t { kCodes, kWeight, kScale, kWeightScale, kZeroPoint, kWeightZeroPoint, kBias };

struct DynamicProduct {
  Tensor weights;                   ///< [K, N] s8, zero points taken off
  std::vector<float> scales, bias;  ///< of the weights' columns; real
};

/// On refusal returns nothing and says why. The codes are an activation of known rank.
std::optional<DynamicProduct> read_dynamic_product(const Cluster& cluster, std::string& reason);

}  // namespace qtool::lowerings
