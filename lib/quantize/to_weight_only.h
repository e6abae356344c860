#pragma once
#include "quantize/quant_plan.h"

namespace qtool {

/// Writes a weight-only plan into the model: every table becomes codes (NAME_q, NAME_scale, NAME_zero_point where one is not 0)
/// behind a DequantizeLinear that takes its name, by channel or by group. Then inlines the fused groups.
void to_weight_only(Model& model, const QuantPlan& plan, const Placement& placement);

}  // namespace qtool
