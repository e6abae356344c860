#pragma once
#include "quantize/candidates.h"
#include "quantize/quant_plan.h"

namespace qtool {

/// The plan of a mode that needs no calibration: no tensors, and for every call of the model whether its weights are quantized.
///  - dynamic: NodeDecision::weight of a MatMul or Gemm that is computed in int8; the weights of LSTM, GRU and RNN are in `tables`.
///  - weight-only: every weight is in `tables`.
/// Pure, as decide().
QuantPlan decide_weights(Model& model, Mode mode, const QConfigMapping& qconfig, const BackendConfig& backend,
                         const DecideOptions& options = {});

/// decide() or decide_weights(), by mode.
QuantPlan decide_in_mode(Model& model, Mode mode, const QConfigMapping& qconfig, const BackendConfig& backend,
                         const DecideOptions& options);

/// The opset the weights of the plan need: 21 for 4 bits and for groups, 13 otherwise.
int64_t opset_for(const QuantPlan& plan);

/// True for a call left float that has weights the mode is about: worth a warning.
bool is_layer_left_float(const NodeDecision& decision, Mode mode);

}  // namespace qtool
