#pragma once
// Constraints of the backend that only a calibrated model can break.

#include <string>
#include <utility>
#include <vector>

#include "quantize/choose_qparams.h"

namespace qtool {

/// Path and reason of every tensor and weight whose scale is above the scale_max_upper_bound of a quantized call that reads or writes it.
std::vector<std::pair<std::string, std::string>> scales_above_bounds(const QuantPlan& plan, const QParams& qparams);

}  // namespace qtool
