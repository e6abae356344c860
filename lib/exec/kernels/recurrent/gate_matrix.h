#pragma once
// A constant matrix of gate weights that rows of floats are multiplied with.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "exec/kernels/products/code_side.h"
#include "exec/kernels/recurrent/packed_gates.h"
#include "kernels/registry.h"

namespace qtool::lowerings {

/// How the products of a recurrence are computed.
enum class GateProducts {
  floats,
  rounded,  ///< each row that comes in is quantized to u8 as DynamicQuantizeLinear quantizes a tensor, and computed in float
  codes,    ///< the same in integers
  packed,   ///< floats with weights that stay codes
};

/// Rows of weights [rows][k] of one direction: floats, or packed codes.
struct GateSource {
  GateProducts products;
  const float* weights;  ///< but for packed
  const float* scales;   ///< codes alone: of the rows; each weight is a code times it
  std::optional<PackedGates> packed;
};

class GateMatrix {
 public:
  GateMatrix() = default;
  /// Rows [first, last) of `source`, k long, as columns.
  GateMatrix(const GateSource& source, int64_t first, int64_t last, int64_t k);
  /// out[row][0..n) += in[row][0..k) * matrix, rows of `out` `stride` apart.
  void add_product(const float* in, float* out, int64_t rows, int64_t stride) const;
  int64_t columns() const { return n_; }

  /// The kernel that computes them, for profiles.
  static std::string kernel(const GateSource& source);

 private:
  void pack_floats(const float* weights);
  void pack_codes(const float* weights, const float* scales);
  void add_floats(const float* in, float* out, int64_t rows, int64_t stride) const;
  void add_packed(const float* in, float* out, int64_t rows, int64_t stride) const;
  void add_codes(const float* in, float* out, int64_t rows, int64_t stride) const;

  GateProducts products_ = GateProducts::floats;
  int64_t k_ = 0, n_ = 0;
  std::vector<float> panels_;  ///< floats
  std::optional<PackedCodes> packed_;
  kernels::GemmPacking packing_{};
  std::vector<int8_t> codes_;
  std::vector<int32_t> sums_;  ///< of the columns
  std::vector<float> scales_;
  bool lowest_ = false;  ///< a code is -128
};

/// codes where the machine has a kernel for them, else rounded.
GateProducts best_products_of_codes();

}  // namespace qtool::lowerings
