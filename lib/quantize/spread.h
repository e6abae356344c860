#pragma once
// Steps 1 to 3 of decide(): which of the candidates are quantized.

#include <unordered_set>
#include <vector>

#include "quantize/quant_plan.h"

namespace qtool {

/// Sets `quantized` of every decision (and a reason where a candidate fell back); returns the tensors that need codes.
std::unordered_set<const Value*> spread_codes(std::vector<NodeDecision>& nodes);

/// True when a quantized call of this kind only runs in int8 with a Q behind it (QDQ rules 0.4, 2a).
bool needs_coded_output(const NodeDecision& decision);

}  // namespace qtool
