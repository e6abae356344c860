#pragma once
#include "graph/model.h"

namespace qtool {

/// For people: a copy of a prepared model in which each connected region of wrapped nodes (metadata qtool.wrap) is one opaque call, a
/// call_module Wrapped_0, Wrapped_1, ..: its arguments what the region reads from outside, its outputs what is read outside or by name of
/// the graph. Bodies inside are gone with it. Not for execution. A model that wraps nothing comes back as it is.
Model with_opaque_regions(const Model& model);

}  // namespace qtool
