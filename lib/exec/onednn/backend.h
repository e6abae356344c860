#pragma once
#include "exec/lowering.h"

namespace qtool::onednn {

/// The row of backends.inc.
extern const Backend kBackend;

/// Threads of the OpenMP team of the calling thread.
void set_threads(int threads);

}  // namespace qtool::onednn
