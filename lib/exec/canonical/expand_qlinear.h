#pragma once
#include "graph/model.h"

namespace qtool {

/// QLinearConv, QLinearAdd, QGemm, ... become DequantizeLinear -> float operator -> QuantizeLinear, so that models in ONNX Runtime's
/// QOperator format form the same clusters as those in QDQ format. What the model's opset cannot say stays. Needs types.
void expand_qlinear(Model& model);

}  // namespace qtool
