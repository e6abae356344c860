#pragma once
#include "debug/report.h"
#include "debug/skeleton.h"

namespace qtool::debug {

/// Loss, ranges of the channels and their spread. Without a partner in FLOAT the dequantized values stand for both.
Weight weight_of(const QuantizedConstant& constant);

/// Mean over the other axes' slices: max |w| by slice of `axis`.
std::vector<float> channel_magnitudes(const Tensor& weight, int axis);

}  // namespace qtool::debug
