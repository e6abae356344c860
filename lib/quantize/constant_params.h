#pragma once
// Parameters of constants, from their values.

#include "config/backend.h"
#include "config/qconfig.h"
#include "tensor/tensor.h"

namespace qtool {

/// Parameters of a constant and how its codes are bounded.
struct ConstantParams {
  QuantParams params;
  CodeRange codes;
};

/// A weight with the observer of `spec`: per channel along the spec's axis, else `own_axis`, when the spec is per channel. The
/// backend's largest weight code is kept.
ConstantParams weight_params(const Tensor& weight, const ObserverSpec& spec, int own_axis, const Placement& placement);

/// A constant that stands where an activation could (operand of Add, table of Gather): the activation's type, the whole range of
/// the values, per tensor.
ConstantParams operand_params(const Tensor& constant, const ObserverSpec& activation);

}  // namespace qtool
