#pragma once
// Questions about element-wise nodes and about broadcasting, answered from types alone.

#include "exec/cluster.h"

namespace qtool {

/// float32 as far as known; engines check what is not known when they run.
bool may_be_float32(const Value& value);

/// Does broadcast(y, operand) have the shape of y? Unknown dimensions are taken to fit unless the other side is known to be 1.
bool broadcasts_into(const Value& operand, const Value& y);

}  // namespace qtool
