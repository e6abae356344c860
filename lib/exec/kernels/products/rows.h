#pragma once
// Matrices of codes on the left of products.

#include "exec/kernels/products/code_side.h"
#include "exec/lowering.h"

namespace qtool::lowerings {

/// The codes of a tensor: its own bytes, or flipped ones (u8 as s8, or the other way) that this holds.
class RowCodes {
 public:
  RowCodes(const Tensor& x, bool flips, StepContext& context);
  const int8_t* data() const { return data_; }

 private:
  std::shared_ptr<Buffer> flipped_;
  const int8_t* data_;
};

/// MatMul of two activations of codes, batched.
LowerResult lower_two_activations(const Model& model, const Cluster& cluster, const CodeKernel& kernel);

}  // namespace qtool::lowerings
