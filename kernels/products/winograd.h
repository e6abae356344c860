#pragma once
#include <cstddef>
#include <cstdint>

#include "kernels/products/gemm.h"

namespace qtool::kernels {

/// Where weights lie that F(4 x 4, 3 x 3) of Winograd and Lavin multiplies with, s16:
///
///   u = g * w * transpose(g), w the 3 x 3 weights of an input channel k and a column n, and g = 1  0  0
///                                                                                              -1 -1 -1
///                                                                                              -1  1 -1
///                                                                                               1  2  4
///                                                                                               1 -2  4
///                                                                                               0  0  1
/// u[i][j] of k and n is entry index(6 * i + j, k, n); entries between hold zeros. |u| <= 49 * 128. A panel is 16 columns.
struct WinogradPacking {
  static constexpr size_t kPlaces = 36, kPanel = 16, kUnit = 8;
  size_t n, depth;

  constexpr size_t panels() const { return (n + kPanel - 1) / kPanel; }
  constexpr size_t padded_depth() const { return (depth + kUnit - 1) / kUnit * kUnit; }
  constexpr size_t panel_size() const { return kPlaces * padded_depth() * kPanel; }
  constexpr size_t size() const { return panels() * panel_size(); }
  constexpr size_t index(size_t place, size_t k, size_t column) const {
    return column / kPanel * panel_size() + (place * padded_depth() + k) * kPanel + column % kPanel;
  }
};

/// Convolution 3 x 3 of stride 1, the same integers as Gemm's, by a quarter of the multiplications:
///
///   out(y, x, n) = what product.form says of acc = start[n] + sum over r, s < 3, k < depth of image(y + r, x + s, k) * w(r, s, k, n)
///   image(y, x, k) = product.a[y * row_stride + x * pixel_stride + k], y < h + 2, x < w + 2: padding is there already
///
/// for the pixels (y, x), y < h and x < w, of tiles first .. first + tiles - 1 of 4 x 4 pixels: tile t holds rows 4 * (t / across) ..
/// and columns 4 * (t % across) .., across = ceil(w / 4). Output and epilogue are as in Gemm, pixel (y, x) being row y * w + x.
///
/// The transforms are integers: 576 times the sum of products comes out modulo 2^32, and times the inverse of 9 it is 64 times the sum.
/// So the sums must lie within +-2^25: see winograd_fits.
///
/// product    read are a, packing.n, packing.depth, start, scale, shift, form (codes or floats), out_zero_point, lo, hi, table, out and
///            out_stride; the others are not
/// h, w       of the output, >= 1
/// weights    as WinogradPacking says of {packing.n, packing.depth}; see pack_winograd
/// workspace  winograd_workspace(depth) bytes, aligned to 16; overlaps nothing else
///
/// Callers may compute any rectangle of tiles and columns: columns by whole panels, with their weights, start, scale, shift and out.
/// No allocation, no threads, no state.
struct WinogradArgs {
  GemmArgs product;
  size_t h, w, row_stride, pixel_stride, first, tiles;
  const int16_t* weights;
  void* workspace;
};
struct Winograd {
  using Args = WinogradArgs;
  using Fn = void(const WinogradArgs&);
};

constexpr size_t kWinogradTile = 4;       ///< pixels of a tile, each way
constexpr size_t kWinogradTogether = 16;  ///< tiles that are multiplied together
constexpr size_t winograd_workspace(size_t depth) {
  return WinogradPacking::kPlaces * kWinogradTogether *
         (WinogradPacking{1, depth}.padded_depth() * sizeof(int16_t) + WinogradPacking::kPanel * sizeof(int32_t));
}

/// Weights [n][depth][3][3]: true where the magnitudes of every column's weights add up to less than 2^18, so that 64 times the sum of
/// their products with any codes fits i32.
bool winograd_fits(const int8_t* weights, size_t n, size_t depth);

/// Packs weights [n][depth][3][3] to packing.size() entries.
void pack_winograd(const int8_t* weights, const WinogradPacking& packing, int16_t* packed);

}  // namespace qtool::kernels
