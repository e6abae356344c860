#pragma once
#include <string>

#include "graph/node.h"

namespace qtool {

/// A call of a local function of domain qtool.observer: its output is its input, looked at.
bool is_observer(const Node& node);

/// Path of the tensor an observer watches; Error(invalid_file) when the call does not say.
std::string observed_tensor(const Node& observer);

}  // namespace qtool
