#pragma once
// Right-hand sides of products of floats with weights of codes (weight-only): held packed as codes, a few panels at a time widened to
// floats next to the product that reads them, or within it where there is one row.

#include <string>
#include <vector>

#include "exec/kernels/products/float_side.h"
#include "exec/kernels/products/packed_codes.h"

namespace qtool::lowerings {

/// A FloatSide whose weights stay codes: the same bits.
template <class Codes>
class PackedSide {
 public:
  using Element = float;
  using Args = kernels::FloatGemmArgs;
  static constexpr int64_t kRowsAtOnce = 960;  ///< each such block of rows widens the weights anew

  /// `product`: its weights are not read.
  PackedSide(Codes codes, FloatProduct product);

  DType in_dtype() const { return DType::float32; }
  DType out_dtype() const { return DType::float32; }
  bool flips() const { return false; }
  Args arguments(size_t) const;
  /// As FloatSide's; b is this side's own.
  void run(Args args, size_t first, size_t last) const;
  const kernels::FloatGemmPacking& packing() const { return codes_.packing(); }
  /// The one that widens; a single row is multiplied with the codes as they are.
  std::string kernel() const { return Codes::kernel() + "+" + std::string(kernels::best<kernels::FloatGemm>().name); }
  bool take(const Table&, DType) { return false; }

 private:
  Codes codes_;
  Bounds bounds_;
  std::vector<float> start_;
};

extern template class PackedSide<ByteCodes>;
extern template class PackedSide<NibbleCodes>;

}  // namespace qtool::lowerings
