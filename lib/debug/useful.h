#pragma once
#include "debug/network.h"
#include "observe/range.h"

namespace qtool::debug {

/// The part of a tensor its readers can tell apart, by slot of `graph`: below -3 a HardSwish gives 0 whatever it gets, so clipping there
/// costs nothing. [-inf, inf] where a reader takes all values, or the tensor is an output. Operators that only move elements are looked
/// through.
std::vector<Range> useful_ranges(const PlanGraph& graph, const Model& model);

}  // namespace qtool::debug
