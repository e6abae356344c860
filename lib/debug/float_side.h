#pragma once
// FLOAT made alike INT8 before both are compared.

#include <string>

#include "base/diagnostics.h"
#include "graph/model.h"

namespace qtool::debug {

/// `model` tidied, lifted and fused as `prepare` would with the backend stored in `int8` (x86 where it stores none): weights hold what
/// the fusions folded into them.
struct FloatSide {
  Model fused;  ///< calls of fused groups: their paths are what a qconfig names
  Model flat;   ///< the groups inlined
};
FloatSide float_side(const Model& model, const Model& int8);

}  // namespace qtool::debug
