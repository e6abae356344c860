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

/// Rows as the sides of a product read them: codes flipped where `flips`, or floats as they are. Holds what it made.
struct CodeRows {
  CodeRows(const Tensor& x, bool flips, StepContext& context) : codes(x, flips, context) {}
  const int8_t* data() const { return codes.data(); }
  RowCodes codes;
};
struct FloatRows {
  FloatRows(const Tensor& x, bool, StepContext&) : x(x) {}
  const float* data() const { return reinterpret_cast<const float*>(x.bytes()); }
  const Tensor x;
};

/// MatMul of two activations of codes, batched.
LowerResult lower_two_activations(const Model& model, const Cluster& cluster, const CodeKernel& kernel);

}  // namespace qtool::lowerings
