#pragma once
#include "graph/model.h"

namespace qtool {

/// Cast(MatMulInteger(a, const B, a_zero_point[, const b_zero_point])) * (a_scale * const b_scale), B a matrix, becomes one
/// com.microsoft.MatMulIntegerToFloat: what dynamically quantized models are made of.
void join_integer_products(Model& model);

}  // namespace qtool
