#pragma once
// A match turned into a call of a local function.

#include "pass/fuse.h"

namespace qtool {

/// The node that stands for a group: of `root_module`'s operator, else the first compute operator, else the last. Not empty.
Node* root_among(const std::vector<Node*>& nodes, const std::string& root_module, int64_t opset);

/// Moves the nodes of `match` into a new function MODULE_N of kFusedDomain and returns the call that stands in their place.
Node& form_group(Model& model, const Match& match, const FusionRule& rule);

}  // namespace qtool
