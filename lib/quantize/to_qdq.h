#pragma once
#include "quantize/choose_qparams.h"
#include "quantize/quant_plan.h"

namespace qtool {

/// Writes the decisions into the model as QuantizeLinear / DequantizeLinear (docs/formats.md): per quantized tensor one Q behind
/// its producer and one DQ in every graph that uses it; weights and constant operands as codes + DQ; biases as int32 + DQ of
/// scale = scale_x * scale_w, bit for bit. Then inlines the fused groups and drops weights nobody uses.
/// Names: NAME (DQ output), NAME_raw (what the operator makes), NAME_q, NAME_scale, NAME_zero_point. A tensor that stays float
/// for some of its users because its producer is float keeps its name on the float value; its DQ output is NAME_dq.
void to_qdq(Model& model, const QuantPlan& plan, const QParams& qparams, const Placement& placement);

/// Inlines the fused groups, and drops weights nobody uses.
void dissolve_groups(Model& model);
void drop_unused_weights(Graph& graph);

}  // namespace qtool
