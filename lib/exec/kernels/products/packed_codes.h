#pragma once
// Constant matrices [depth, n] of codes, in the panels that FloatGemm reads as floats.

#include <cstdint>
#include <string>
#include <vector>

#include "exec/kernels/products/weight_view.h"
#include "kernels/registry.h"

namespace qtool::lowerings {

/// What turns codes into weights: one scale (and zero point) a column and group of `rows` rows, group after group.
struct Groups {
  size_t rows;
  std::vector<float> scales;   ///< [groups, n]
  std::vector<uint8_t> zeros;  ///< the same
};

/// s8, zero points taken off.
class ByteCodes {
 public:
  /// `view` of `codes`; the zero points of `groups` are not read.
  ByteCodes(const WeightView& view, const int8_t* codes, const Groups& groups);
  const kernels::FloatGemmPacking& packing() const { return packing_; }
  /// Panel `p` as floats.
  void widen(size_t p, float* to) const;
  /// Of the panels from `p` on, as many as `row` has columns: as GemvBytes says. packing, scale and group of `row` are this matrix's own.
  void multiply(kernels::GemvRow row, size_t p) const;
  static std::string kernel() { return std::string(kernels::best<kernels::Widen>().name); }

 private:
  kernels::FloatGemmPacking packing_;
  size_t group_;
  std::vector<int8_t> codes_;  ///< as packing_.index says
  std::vector<float> scales_;  ///< [panels, groups, 8]
};

/// 0..15, half a byte each.
class NibbleCodes {
 public:
  /// `view` of `codes`, one a byte, 0..15; an even number of rows a group.
  NibbleCodes(const WeightView& view, const uint8_t* codes, const Groups& groups);
  const kernels::FloatGemmPacking& packing() const { return packing_; }
  void widen(size_t p, float* to) const;
  void multiply(kernels::GemvRow row, size_t p) const;
  static std::string kernel() { return std::string(kernels::best<kernels::WidenNibbles>().name); }

 private:
  size_t panel_bytes() const { return (packing_.depth + 1) / 2 * kernels::FloatGemmPacking::kColumns; }

  kernels::FloatGemmPacking packing_;
  size_t group_;
  std::vector<uint8_t> codes_;  ///< as WidenNibbles says
  std::vector<float> scales_;   ///< [panels, groups, 8]
  std::vector<uint8_t> zeros_;
};

}  // namespace qtool::lowerings
