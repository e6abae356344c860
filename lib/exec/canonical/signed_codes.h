#pragma once
#include "graph/model.h"

namespace qtool {

/// For engines whose kernels hold s8: u8 codes that a Q makes and nobody but DQs reads become s8, they and their zero points 128 lower.
/// Gives the same floats.
void sign_codes(Model& model);

}  // namespace qtool
