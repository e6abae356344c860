#pragma once
#include "graph/model.h"

namespace qtool {

/// Gather(DequantizeLinear(const table of at most 8 bits), indices) along the first axis: com.microsoft.GatherBlockQuantized, so that only
/// the slices that are read become floats. Not where a QuantizeLinear follows: codes are gathered as they are there.
void gather_from_packed_tables(Model& model);

}  // namespace qtool
