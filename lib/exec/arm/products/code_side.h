#pragma once
// Right-hand sides of products of codes: packed weights with what the kernel's epilogue wants of each column.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "exec/arm/products/weight_view.h"
#include "exec/kernels/elementwise/table.h"
#include "exec/kernels/products/code_product.h"
#include "kernels/registry.h"

namespace qtool::arm {

/// The packing that the kernel of this machine wants.
kernels::GemmPacking packing_of(size_t n, size_t taps, size_t depth);

/// Form and epilogue of a product whose head is `cluster` (see passes.h): codes or floats.
struct Ending {
  kernels::GemmForm form = kernels::GemmForm::floats;
  DType dtype = DType::float32;
  double scale = 1;  ///< of the output: real y = scale * (code - zero point)
  int32_t zero_point = 0, lo = 0, hi = 0;
};
/// `first`: of the post-ops that are not in the bias. Nothing where something else than a clamp follows.
std::optional<Ending> ending_of(const Cluster& head, size_t first);

/// Name of the kernel, for profiles; `lowest`: some weight is -128.
std::string gemm_name(bool lowest);

/// Several right-hand sides of one product: groups of channels, or phases of a transposed convolution.
class CodeSide {
 public:
  using Element = int8_t;
  using Args = kernels::GemmArgs;

  CodeSide(lowerings::CodeProduct product, const Ending& ending) : product_(std::move(product)), ending_(ending) {}

  /// Packs columns whose channels are first_channel .. of the product. No deeper than kDeepest.
  void add(const WeightView& view, size_t first_channel);
  void finish() { product_.weights = Tensor(); }
  const Tensor& weights() const { return product_.weights; }
  void set_weights(Tensor weights) { product_.weights = std::move(weights); }

  DType in_dtype() const { return product_.in_dtype; }
  DType out_dtype() const { return ending_.dtype; }
  /// The code of zero as s8: codes of u8 are flipped on the way in.
  int32_t zero() const { return product_.zero_point - (product_.in_dtype == DType::uint8 ? 128 : 0); }
  /// The depth that the kernel takes whole.
  static size_t padded_depth(size_t depth) { return packing_of(1, 1, depth).padded_depth(); }

  /// Arguments with everything that does not depend on the input.
  Args arguments(size_t i) const;
  const kernels::GemmPacking& packing() const { return columns_[0].packing; }
  std::string kernel() const { return gemm_name(columns_[0].lowest) + (table_ ? "+table" : ""); }

  /// As TakesTable.
  bool take(const lowerings::Table& table, DType to);

 private:
  struct Columns {
    kernels::GemmPacking packing;
    std::vector<int8_t> b;
    std::vector<int32_t> start;
    std::vector<float> scale, shift;
    bool lowest = false;  ///< a weight is -128
  };

  lowerings::CodeProduct product_;
  Ending ending_;
  std::vector<Columns> columns_;
  std::optional<lowerings::Table> table_;
};

}  // namespace qtool::arm
