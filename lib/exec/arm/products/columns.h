#pragma once
// Right-hand sides for the product kernel: packed weights with what its epilogue wants of each column.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "exec/kernels/products/code_product.h"
#include "kernels/registry.h"

namespace qtool::arm {

constexpr int64_t kDeepest = 65536;  ///< taps * depth, of the kernel's contract

/// The packing that the kernel of this machine wants.
kernels::GemmPacking packing_of(size_t n, size_t taps, size_t depth);

/// Where entries of constant weights lie: b(t, k, n) = weights[offset + taps[t] + k * step_k + n * step_n], all in elements.
struct WeightView {
  size_t offset = 0;
  std::vector<size_t> taps;  ///< none: one tap of zeros
  size_t depth = 0, step_k = 0, n = 0, step_n = 0;
};

/// Form and epilogue of a product whose head is `cluster` (see passes.h): codes or floats.
struct Ending {
  kernels::GemmForm form = kernels::GemmForm::floats;
  DType dtype = DType::float32;
  double scale = 1;  ///< of the output: real y = scale * (code - zero point)
  int32_t zero_point = 0, lo = 0, hi = 0;
};
/// `first`: of the post-ops that are not in the bias. Nothing where something else than a clamp follows.
std::optional<Ending> ending_of(const Cluster& head, size_t first);

/// Columns of one group of channels.
struct Columns {
  kernels::GemmPacking packing;
  std::vector<int8_t> b;
  std::vector<int32_t> start;
  std::vector<float> scale, shift;
  bool lowest = false;  ///< a weight is -128
};

/// Columns whose channels are first_channel .. of `product`. No deeper than kDeepest.
Columns make_columns(const lowerings::CodeProduct& product, const WeightView& view, size_t first_channel, const Ending& ending);

/// Arguments with everything that does not depend on the input.
kernels::GemmArgs arguments_of(const Columns& columns, const Ending& ending, const uint8_t* table);

/// Name of the kernel that multiplies these columns, for profiles.
std::string gemm_name(bool lowest);

/// Zero point of s8 codes: codes of u8 are flipped on the way in.
inline int32_t signed_zero_point(const lowerings::CodeProduct& product) {
  return product.zero_point - (product.in_dtype == DType::uint8 ? 128 : 0);
}

}  // namespace qtool::arm
