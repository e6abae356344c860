#pragma once
#include "observe/range.h"
#include "quantize/quant_plan.h"

namespace qtool {

/// The part of `value`'s range that its users can tell apart: everything below -3 is 0 behind a HardSwish, so codes spent there
/// are lost. [-inf, inf] where a user takes all values, or the value is a graph output. Users that only move elements are looked
/// through.
Range useful_input(const QuantPlan& plan, const Value& value);

}  // namespace qtool
