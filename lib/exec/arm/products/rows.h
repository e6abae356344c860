#pragma once
// Matrices of codes on the left of products.

#include "exec/lowering.h"

namespace qtool::arm {

/// The codes of a tensor as s8: its own bytes, or flipped ones that this holds.
class SignedCodes {
 public:
  SignedCodes(const Tensor& x, StepContext& context);
  const int8_t* data() const { return data_; }

 private:
  std::shared_ptr<Buffer> flipped_;
  const int8_t* data_;
};

/// MatMul of two activations of codes, batched.
LowerResult lower_two_activations(const Model& model, const Cluster& cluster);

}  // namespace qtool::arm
