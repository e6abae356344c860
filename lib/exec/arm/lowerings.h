#pragma once
// The lowerings of this engine: one function a row of lowerings.inc.

#include "exec/kernels/function_step.h"
#include "exec/kernels/lowerings.h"

namespace qtool::arm {

using namespace lowerings;  // what engines share

#define LOWERING(kind, op, function) LowerResult function(const Model&, const Cluster&);
#include "exec/arm/lowerings.inc"
#undef LOWERING

}  // namespace qtool::arm
