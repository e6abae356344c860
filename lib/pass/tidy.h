#pragma once
#include "pass/pass.h"

namespace qtool {

/// Always safe, meaning unchanged: Constant nodes to weights, constant folding with shape arithmetic, Identity and Dropout
/// dropped, Sum of two to Add, dead code removed. Graph inputs and outputs keep name, type and order. Bodies are tidied too.
/// Never folds an initializer that is also a graph input. Results above 64 KiB larger than their inputs are not folded.
std::vector<PassReport> tidy(Model& model);

/// Lifts the default domain of the model (bodies and functions too) to `opset` by the rows' lift functions; never lower.
/// Throws Error(unsupported) naming the operator that cannot be lifted.
PassReport lift(Model& model, int64_t opset);

/// Calls of local functions replaced by their bodies. `keep` says which calls stay.
PassReport inline_functions(Model& model, const std::function<bool(const Node&)>& keep);

}  // namespace qtool
