// The convolution as it is written: the weights are read back out of their transforms, whose corners hold them.

#include <algorithm>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

struct Weights {
  WinogradPacking packing;
  const int16_t* packed;

  int entry(size_t i, size_t j, size_t k, size_t n) const { return packed[packing.index(6 * i + j, k, n)]; }
  /// Row i of g * w: rows 0 and 5 are w's first and last, and row 1 is minus the sum of all three.
  int column(size_t i, size_t s, size_t k, size_t n) const {
    if (s != 1) return entry(i, s == 0 ? 0 : 5, k, n);
    return -entry(i, 1, k, n) - entry(i, 0, k, n) - entry(i, 5, k, n);
  }
  int operator()(size_t r, size_t s, size_t k, size_t n) const {
    if (r != 1) return column(r == 0 ? 0 : 5, s, k, n);
    return -column(1, s, k, n) - column(0, s, k, n) - column(5, s, k, n);
  }
};

/// One pixel and column, as a product of one row.
void pixel(const WinogradArgs& args, const Weights& weights, size_t y, size_t x, size_t n) {
  const GemmArgs& p = args.product;
  int32_t acc = p.start[n];
  for (size_t r = 0; r < 3; ++r)
    for (size_t s = 0; s < 3; ++s)
      for (size_t k = 0; k < p.packing.depth; ++k)
        acc += p.a[(y + r) * args.row_stride + (x + s) * args.pixel_stride + k] * weights(r, s, k, n);
  GemmArgs one = p;
  const int8_t nothing[4] = {};
  one.a = nothing, one.b = nothing, one.m = 1, one.offsets = nullptr, one.row_start = nullptr, one.pieces = 1, one.second = {};
  one.packing = {1, 1, 1, {1, 1, 1}}, one.start = &acc, one.scale = p.scale + n, one.shift = p.shift ? p.shift + n : nullptr;
  one.out = static_cast<char*>(p.out) + ((y * args.w + x) * p.out_stride + n) * (p.form == GemmForm::codes ? 1 : 4);
  gemm_scalar(one);
}

}  // namespace

void winograd_scalar(const WinogradArgs& args) {
  const Weights weights{{args.product.packing.n, args.product.packing.depth}, args.weights};
  const size_t across = (args.w + kWinogradTile - 1) / kWinogradTile;
  for (size_t t = args.first; t < args.first + args.tiles; ++t)
    for (size_t i = 0; i < kWinogradTile * kWinogradTile; ++i) {
      const size_t y = t / across * kWinogradTile + i / kWinogradTile, x = t % across * kWinogradTile + i % kWinogradTile;
      if (y >= args.h || x >= args.w) continue;
      for (size_t n = 0; n < args.product.packing.n; ++n) pixel(args, weights, y, x, n);
    }
}

}  // namespace qtool::kernels
