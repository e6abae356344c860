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

/// float16 and bfloat16 become float32 everywhere inside; graph inputs and outputs keep their type (a Cast stands behind or in front).
/// Operators without a row keep theirs and are skipped with the reason. Functions must be inlined. Infers types.
PassReport widen_floats(Model& model);

/// Initializers that are graph inputs too become weights: the inputs are gone.
PassReport freeze_defaults(Model& model);

/// Calls of local functions replaced by their bodies. `keep` says which calls stay.
PassReport inline_functions(Model& model, const std::function<bool(const Node&)>& keep);

}  // namespace qtool
