#pragma once
#include "quantize/choose_qparams.h"
#include "quantize/qdq_nodes.h"

namespace qtool {

/// Weights, constant operands and biases of quantized calls become codes behind a DQ. A constant used by several calls with
/// different parameters is stored once for each (QDQ 4, shared bias). To be called before activations are rewritten.
void constants_to_qdq(const QuantPlan& plan, const QParams& qparams, const Placement& placement, QdqNodes& nodes);

/// Bias codes: round_half_even(bias / (scale_x * scale_w[c])), parameters with that product as scale, zero point 0.
std::pair<Tensor, QuantParams> quantize_bias(const Tensor& bias, float input_scale, const QuantParams& weight);

}  // namespace qtool
