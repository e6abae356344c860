#pragma once
// FLOAT made alike INT8 before both are compared.

#include <vector>

#include "base/diagnostics.h"
#include "graph/model.h"

namespace qtool::debug {

/// The model tidied, lifted and fused: weights hold what the fusions folded into them.
struct FloatSide {
  Model fused;  ///< calls of fused groups: their paths are what a qconfig names
  Model flat;   ///< the groups inlined
};

/// What INT8 may have been made of. As `prepare` fuses with the backend stored in `int8`; where it stores none, another tool made it:
/// with batch normalization folded, with all the fusions of x86, with none.
std::vector<FloatSide> float_sides(const Model& model, const Model& int8);

}  // namespace qtool::debug
