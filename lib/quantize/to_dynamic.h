#pragma once
#include "exec/canonical/dynamic_recurrence.h"
#include "quantize/quant_plan.h"

namespace qtool {

/// Writes a dynamic plan into the model.
///
/// MatMul, Gemm:  x_q, x_scale, x_zero_point = DynamicQuantizeLinear(x), once for all its readers in a graph
///                sum = MatMulInteger(x_q, w_q, x_zero_point[, w_zero_point])                                       int32
///                y = Cast(sum) * (x_scale * w_scale) [+ bias]
/// which is what ONNX Runtime fuses (QDQ 2a). alpha of a Gemm goes into w_scale, a transposed weight is stored straight.
///
/// With activations by rows (int8, per_channel_symmetric): x_q = round(x / x_scale), x_scale = max(max |row| / 127, eps), no zero point;
/// the sums are multiplied by both scales.
///
/// LSTM, GRU, RNN:  W and R behind DequantizeLinear, one scale a gate unit, and an entry in qtool.dynamic (kDynamicKey). With Dialect::ort
/// an LSTM becomes com.microsoft.DynamicQuantizeLSTM where that has its attributes.
void to_dynamic(Model& model, const QuantPlan& plan, const Placement& placement, Dialect dialect);

}  // namespace qtool
