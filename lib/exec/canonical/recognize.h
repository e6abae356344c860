#pragma once
// Operators that exporters write as several small ones, put together again.

#include "graph/model.h"

namespace qtool {

/// HardSwish, SiLU, GELU, Mish, LayerNormalization, channel shuffles, products of codes with floats behind them. Lifts the model as far as
/// the operator found needs; a model that cannot be lifted stays as it is. Needs types.
void recognize_operators(Model& model);

}  // namespace qtool
