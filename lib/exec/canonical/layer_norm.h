#pragma once
#include "graph/model.h"

namespace qtool {

/// y = (x - mean) / sqrt(mean((x - mean)^2) + epsilon) * g + b over the last axis, written with ReduceMean, Sub, Pow or Mul, Sqrt, Div.
bool has_layer_norm(const Model& model);
/// Each becomes LayerNormalization-17.
void join_layer_norms(Model& model);

}  // namespace qtool
