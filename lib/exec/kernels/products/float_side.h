#pragma once
// Right-hand sides of products of floats, as CodeSide.

#include <optional>
#include <string>
#include <vector>

#include "exec/kernels/elementwise/curves.h"
#include "exec/kernels/elementwise/table.h"
#include "exec/kernels/products/operands.h"
#include "exec/kernels/products/residual.h"
#include "exec/kernels/products/weight_view.h"
#include "kernels/registry.h"

namespace qtool::lowerings {

/// Constant weights and bias of a float product, and what clamps it.
struct FloatProduct {
  Tensor weights;
  std::vector<float> bias;  ///< one a channel, constants added behind included
  Bounds bounds;
};

/// What clamps a head that ends in clamped floats (see passes.h), behind its first `first` post-ops; nothing where the kernel has no such
/// bounds.
std::optional<Bounds> kernel_bounds(const Cluster& head, size_t first);

/// Of a head that ends in clamped floats (see passes.h); `first`: of its post-ops that are not in the bias. On refusal nothing, and why.
std::optional<FloatProduct> read_float_product(const Cluster& head, const Channels& channels, size_t first, std::string& reason);
/// The same of weights that are held elsewhere; `bias` may be null.
std::optional<FloatProduct> read_packed_product(const Cluster& head, const Operand* bias, const Channels& channels, size_t first,
                                                std::string& reason);

class FloatSide {
 public:
  using Element = float;
  using Args = kernels::FloatGemmArgs;

  explicit FloatSide(FloatProduct product) : product_(std::move(product)) {}

  void add(const WeightView& view, size_t first_channel, size_t pieces = 1);
  void finish() { product_.weights = Tensor(); }
  const Tensor& weights() const { return product_.weights; }
  void set_weights(Tensor weights) { product_.weights = std::move(weights); }

  DType in_dtype() const { return DType::float32; }
  DType out_dtype() const { return DType::float32; }
  int32_t zero() const { return 0; }
  bool flips() const { return false; }
  size_t padded_depth(size_t depth) const { return depth; }
  bool better_in_pieces(size_t, size_t, size_t) const { return false; }

  Args arguments(size_t i) const;
  void run(Args args, size_t first, size_t last) const;
  const Residual* residual() const { return nullptr; }
  const kernels::FloatGemmPacking& packing() const { return columns_[0].packing; }
  std::string kernel() const { return std::string(kernels::best<kernels::FloatGemm>().name); }
  bool take(const Table&, DType) { return false; }

 private:
  struct Columns {
    kernels::FloatGemmPacking packing;
    std::vector<float> b, start;
  };

  FloatProduct product_;
  std::vector<Columns> columns_;
};

}  // namespace qtool::lowerings
