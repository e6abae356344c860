#pragma once
// Right-hand sides of products of floats with s8 weights (weight-only): held packed as codes, a few panels at a time widened to floats
// next to the product that reads them.

#include <string>
#include <vector>

#include "exec/kernels/products/float_side.h"

namespace qtool::lowerings {

/// A FloatSide whose weights stay codes: the same bits.
class PackedSide {
 public:
  using Element = int8_t;
  using Args = kernels::FloatGemmArgs;
  static constexpr int64_t kRowsAtOnce = 960;  ///< each such block of rows widens the weights anew

  /// `product`: its weights s8, zero points taken off; `scales`: one a column.
  PackedSide(FloatProduct product, std::vector<float> scales) : product_(std::move(product)), scales_(std::move(scales)) {}

  /// Once.
  void add(const WeightView& view, size_t first_channel);
  void finish() { product_.weights = Tensor(); }
  const Tensor& weights() const { return product_.weights; }

  DType in_dtype() const { return DType::float32; }
  DType out_dtype() const { return DType::float32; }
  bool flips() const { return false; }
  Args arguments(size_t) const;
  /// As FloatSide's; b is this side's own.
  void run(Args args, size_t first, size_t last) const;
  const kernels::FloatGemmPacking& packing() const { return packing_; }
  std::string kernel() const;
  bool take(const Table&, DType) { return false; }

 private:
  FloatProduct product_;
  std::vector<float> scales_, start_;
  kernels::FloatGemmPacking packing_{};
  std::vector<int8_t> codes_;  ///< as packing_.index says
};

}  // namespace qtool::lowerings
