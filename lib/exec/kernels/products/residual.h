#pragma once
// Residual connections in the epilogue of a product.

#include <optional>

#include "exec/cluster.h"
#include "exec/kernels/function_step.h"
#include "kernels/registry.h"

namespace qtool::lowerings {

/// A residual connection: product -> inner Q -> DQ -> Add of other codes of the same shape -> clamp -> Q, in the kernel's epilogue.
struct Residual {
  Cluster head;    ///< the product up to the inner Q
  int input;       ///< of the step: the other codes
  DType in_dtype;  ///< theirs
  DType out_dtype;
  kernels::GemmSecond second;  ///< without `other` and `stride`
};

/// `first`: of the post-ops that are not in the bias. Nothing where the cluster is none.
std::optional<Residual> residual_of(const Cluster& cluster, size_t first);

/// The codes that a residual connection adds to an output of shape `out`; null where there is none. Throws CannotRun for others.
const uint8_t* other_of(const Residual* residual, StepInputs inputs, const Shape& out);

}  // namespace qtool::lowerings
