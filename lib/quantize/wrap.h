#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/diagnostics.h"
#include "graph/model.h"

namespace qtool {

/// `--wrap`: "re:REGEX", "name:NODE", "type:OP", "A..B" (the nodes between tensors A and B), plain text = regex over node names.
/// Returns the test "may this call be touched". An expression that matches nothing is said in `diagnostics`.
/// Throws Error(usage) on a bad regex or unknown tensor.
std::function<bool(const Node&)> allowed_outside(const Model& model, const std::vector<std::string>& expressions, Diagnostics& diagnostics);

}  // namespace qtool
