#pragma once
// Observers in a model: calls of local functions of domain qtool.observer, whose body is Identity.

#include <string>

#include "graph/observer.h"
#include "quantize/quant_plan.h"

namespace qtool {

/// Puts an observer behind every observed tensor of the plan; its consumers then use the observed value. The tensor's path is the
/// observer's attribute "tensor". A graph output keeps its name: the observed value takes it, the tensor becomes NAME_raw.
void insert_observers(Model& model, const QuantPlan& plan);

/// Whether there is anything to calibrate.
bool observes(const Model& model);

/// Removes every observer and its functions. Returns how many there were. strip_observers(insert_observers(m)) is m.
size_t strip_observers(Model& model);

}  // namespace qtool
