#pragma once
// The fallback of every engine: a cluster's nodes one by one through OpDef.eval, literally.

#include <memory>

#include "exec/lowering.h"

namespace qtool {

/// Throws Error(unsupported) naming node, operator and domain when a node has no row. Plain layout. Nodes that depend on constants
/// alone (DQ of weights) are evaluated here, once.
std::unique_ptr<Step> make_eval_step(const Model& model, const Cluster& cluster);

}  // namespace qtool
