#pragma once
// The lowerings onto our own kernels, which engines share: one function a row of lowerings.inc.

#include <span>
#include <string_view>

#include "exec/kernels/products/operands.h"
#include "exec/lowering.h"

namespace qtool::lowerings {

#define LOWERING(kind, op, function) LowerResult function(const Model&, const Cluster&);
#include "exec/kernels/lowerings.inc"
#undef LOWERING

struct Row {
  ClusterKind kind;
  std::string_view op;
  LowerFn lower;
};

/// The first lowering that takes the cluster: of the engine's own rows, then of ours. Operator -> Q -> DQ -> activations -> Q becomes
/// the operator as if it ended in the inner Q, and a table for the rest.
LowerResult lower_by(std::span<const Row> own, const Model& model, const Cluster& cluster);

}  // namespace qtool::lowerings
