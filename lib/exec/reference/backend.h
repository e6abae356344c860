#pragma once
#include "exec/lowering.h"

namespace qtool::reference {

/// The row of backends.inc. It lowers nothing: `lower` is null and the Interpreter runs the graph as it stands.
extern const Backend kBackend;

}  // namespace qtool::reference
