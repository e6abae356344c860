#pragma once
// Right-hand sides of products of codes: packed weights with what the kernel's epilogue wants of each column.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exec/kernels/elementwise/table.h"
#include "exec/kernels/products/code_product.h"
#include "exec/kernels/products/operands.h"
#include "exec/kernels/products/residual.h"
#include "exec/kernels/products/weight_view.h"
#include "kernels/registry.h"

namespace qtool::lowerings {

/// A kernel that multiplies rows of codes with packed columns of s8.
struct CodeKernel {
  std::string_view name;
  kernels::Isa isa;
  kernels::Gemm::Fn* run;
  bool is_unsigned;  ///< rows hold u8, else s8; codes of the other kind are flipped on the way in

  bool flips(DType codes) const { return codes != DType::float32 && (codes == DType::uint8) != is_unsigned; }
  /// The zero point of codes as the rows hold them.
  int32_t zero_point(DType codes, int32_t own) const { return !flips(codes) ? own : is_unsigned ? own + 128 : own - 128; }
  kernels::GemmPacking packing(size_t n, size_t taps, size_t depth) const { return {n, taps, depth, kernels::gemm_tile(isa)}; }
};

/// The fastest of family Gemm here.
const CodeKernel& signed_kernel();
/// The fastest of family GemmU8; null where the machine has none.
const CodeKernel* unsigned_kernel();

/// Form and epilogue of a product whose head is `cluster` (see passes.h): codes or floats.
struct Ending {
  kernels::GemmForm form = kernels::GemmForm::floats;
  DType dtype = DType::float32;
  double scale = 1;  ///< of the output: real y = scale * (code - zero point)
  int32_t zero_point = 0, lo = 0, hi = 0;
  std::optional<Residual> residual = {};
};
/// `first`: of the post-ops that are not in the bias. Nothing where something else than a clamp follows.
std::optional<Ending> ending_of(const Cluster& head, size_t first);

/// True where GemmU8 does all of the cluster: behind the sums constants, then a clamp or a residual connection.
bool fits_kernel(const Cluster& cluster, const Channels& channels);

/// For profiles; `lowest`: some weight is -128.
std::string gemm_name(const CodeKernel& kernel, bool lowest);

/// Several right-hand sides of one product: groups of channels, or phases of a transposed convolution.
class CodeSide {
 public:
  using Element = int8_t;
  using Args = kernels::GemmArgs;

  CodeSide(CodeProduct product, const Ending& ending, const CodeKernel& kernel)
      : product_(std::move(product)), ending_(ending), kernel_(&kernel) {}

  /// Packs columns whose channels are first_channel .. of the product. No deeper than kDeepest. `pieces` as the kernel's.
  void add(const WeightView& view, size_t first_channel, size_t pieces = 1);
  void finish() { product_.weights = Tensor(); }
  const Tensor& weights() const { return product_.weights; }
  void set_weights(Tensor weights) { product_.weights = std::move(weights); }

  DType in_dtype() const { return product_.in_dtype; }
  DType out_dtype() const { return ending_.dtype; }
  bool flips() const { return kernel_->flips(product_.in_dtype); }
  /// The code of zero as the rows hold it.
  int32_t zero() const { return kernel_->zero_point(product_.in_dtype, product_.zero_point); }
  /// The depth that the kernel takes whole.
  size_t padded_depth(size_t depth) const { return kernel_->packing(1, 1, depth).padded_depth(); }

  /// Does the kernel take parts of a window, and write rows anywhere?
  bool takes_parts() const { return kernel_->is_unsigned; }

  /// Are rows of all taps, copied together, less work than taps padded one by one?
  bool better_in_pieces(size_t taps, size_t depth, size_t columns) const;

  /// Arguments with everything that does not depend on the input.
  Args arguments(size_t i) const;
  /// The rectangle of rows that `args` describes, columns of panels [first, last) alone.
  void run(Args args, size_t first, size_t last) const;
  /// What the epilogue adds; null: nothing.
  const Residual* residual() const { return ending_.residual ? &*ending_.residual : nullptr; }
  const kernels::GemmPacking& packing() const { return columns_[0].packing; }
  kernels::Isa isa() const { return kernel_->isa; }
  std::string kernel() const { return named(gemm_name(*kernel_, columns_[0].lowest)); }
  /// The same where another kernel takes the product's place.
  std::string named(std::string_view kernel) const { return std::string(kernel) + (table_ ? "+table" : ""); }

  /// As TakesTable.
  bool take(const Table& table, DType to);

 private:
  struct Columns {
    kernels::GemmPacking packing;
    std::vector<int8_t> b;
    std::vector<int32_t> start;
    std::vector<float> scale, shift;
    bool lowest = false;  ///< a weight is -128
    size_t pieces = 1;
  };

  CodeProduct product_;
  Ending ending_;
  const CodeKernel* kernel_;
  std::vector<Columns> columns_;
  std::optional<Table> table_;
};

}  // namespace qtool::lowerings
