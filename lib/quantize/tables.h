#pragma once
// Step 5 of decide(): which float tables are kept as codes all the same.

#include "config/backend.h"
#include "quantize/quant_plan.h"

namespace qtool {

/// Tables of calls that could be int8 but stay float because nobody takes their codes:
///  - of a Gather (Embedding): by rows, like a weight;
///  - of an Add, Mul, ... (positions), per tensor, like an activation, and only where everything computed from it meets 8-bit codes
///    before it leaves the graph: what is added to coordinates at the end of a detector keeps its digits.
/// Small constants stay as they are. And the weights of LSTM, GRU and RNN that take codes, by gate unit.
std::vector<StoredTable> find_tables(const QuantPlan& plan, const Placement& placement);

}  // namespace qtool
