#pragma once
#include "graph/model.h"

namespace qtool {

/// MaxPool of what a DQ gives, read as floats: quantization keeps order, so the pool runs on the codes, between the DQ and a Q and DQ of
/// the same parameters behind it. Gives the same floats.
void select_among_codes(Model& model);

}  // namespace qtool
