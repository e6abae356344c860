#pragma once
#include <cstddef>

namespace qtool::kernels {

/// Where b(t, k, n) lies, t < taps, k < depth, n < n: in panels of 8 columns, all taps of a panel one after the other; zeros between. A
/// panel is panel_size() floats.
struct FloatGemmPacking {
  static constexpr size_t kColumns = 8;
  size_t n, taps, depth;
  constexpr size_t panels() const { return (n + kColumns - 1) / kColumns; }
  constexpr size_t padded_n() const { return panels() * kColumns; }  ///< entries of start
  constexpr size_t panel_size() const { return taps * depth * kColumns; }
  constexpr size_t size() const { return panels() * panel_size(); }
  constexpr size_t index(size_t t, size_t k, size_t column) const {
    return column / kColumns * panel_size() + (t * depth + k) * kColumns + column % kColumns;
  }
};

/// Product of f32 rows with packed f32 columns, where a row may be gathered from several places: a convolution's window.
///
///   y(i, n) = start[n], then for every t < taps and in it every k < depth:  y = fma(a(i, t, k), b(t, k, n), y)      in this order
///   a(i, t, k) = a[offsets[t * offsets_step + i] + k], or without offsets (then taps is 1) a[i * a_stride + k]
///   out[i * out_stride + n] = min(max(y, lo), hi)  for i < m and n < n; a NaN stays one
///
/// a        floats; read are the `depth` of each row and tap, nothing behind them. Offsets in floats, of either sign.
/// offsets  taps x m, offsets_step >= m entries between taps; null for a matrix
/// b        as packing.index says
/// start    packing.padded_n() floats: the bias
/// lo, hi   lo <= hi, lo is not -0, hi is not 0
/// out      out_stride in floats, >= n. Overlaps nothing else.
/// Any m (0 too), n, taps, depth >= 1. Callers may compute any rectangle: rows by moving offsets (or a) and out, columns by whole panels,
/// their start and out. No allocation, no threads, no state.
struct FloatGemmArgs {
  const float* a;
  size_t a_stride;
  const ptrdiff_t* offsets;
  size_t offsets_step;
  size_t m;
  FloatGemmPacking packing;
  const float *b, *start;
  float lo, hi;
  float* out;
  size_t out_stride;
};
struct FloatGemm {
  using Args = FloatGemmArgs;
  using Fn = void(const FloatGemmArgs&);
};

}  // namespace qtool::kernels
