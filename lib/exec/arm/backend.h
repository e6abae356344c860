#pragma once
#include "exec/lowering.h"

namespace qtool::arm {

/// The row of backends.inc: our own kernels alone. On other processors their scalar twins (or what stands for these), with the same bytes.
extern const Backend kBackend;

}  // namespace qtool::arm
