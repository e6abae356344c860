#pragma once
#include "graph/model.h"

namespace qtool {

struct Backend;

/// A copy ready to be cut into clusters: functions but observers inlined, tidied, exploded activations and normalizations put
/// together (a table in the .cpp), batch normalization folded into convolutions, maxima taken among codes, types inferred, DQ of constants
/// that nobody reads as codes computed. Numbers change by float rounding alone.
Model canonical_for_execution(const Model& model);

/// The same for one engine: codes are of the sign its kernels hold.
Model canonical_for_execution(const Model& model, const Backend& backend);

/// A copy the Interpreter can run: functions but observers inlined, recurrences that quantize at run time marked, nothing else.
Model inlined_for_execution(const Model& model);

}  // namespace qtool
