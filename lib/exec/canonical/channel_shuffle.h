#pragma once
#include "graph/model.h"

namespace qtool {

/// Reshape [N, g * m, ...] -> [N, g, m, ...], Transpose of g and m, Reshape back (with or without Q/DQ pairs of one scale between): each
/// becomes one Gather of channels, axis 1, which an engine runs in any layout. Needs types.
void join_channel_shuffles(Model& model);

}  // namespace qtool
