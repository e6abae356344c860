#pragma once
#include <functional>

#include "graph/model.h"

namespace qtool {

/// Each connected region of the nodes that `wrapped` selects becomes one opaque call in the main graph or body it stands in: of function
/// Wrapped_0, Wrapped_1, .. of kWrappedDomain, whose body are the original nodes with their own bodies. Arguments: what the region reads,
/// weights among them; outputs: what is read outside, under its names. The call is named after the region's first and last node
/// ("/post/Conv../post/Relu"). A region that a path leaves and enters again is cut there. dissolve_groups() puts the nodes back. Raises
/// the IR to 8.
void form_wrapped_regions(Model& model, const std::function<bool(const Node&)>& wrapped);

bool is_wrapped_call(const Node& node);

}  // namespace qtool
