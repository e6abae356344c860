#pragma once
// When values of a graph are needed for the last time.

#include <unordered_map>
#include <vector>

#include "graph/model.h"

namespace qtool {

/// For every call node the values of its own graph that nobody needs after it (bodies below count as uses of their owner);
/// its own unused outputs too. Graph outputs, constants and values of enclosing graphs are never listed.
std::unordered_map<const Node*, std::vector<const Value*>> last_uses(const Graph& graph);

}  // namespace qtool
