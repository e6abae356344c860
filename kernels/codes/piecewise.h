#pragma once
#include <cstddef>
#include <cstdint>

namespace qtool::kernels {

/// A function of one number in pieces of equal length, a polynomial of degree 4 on each; the first and the last go on without end.
struct PiecewiseTable {
  static constexpr size_t kPieces = 32, kOrder = 5;
  float slope = 0, offset = 0;  ///< number x lies at x * slope + offset, in pieces
  float c[kOrder][kPieces] = {};

  /// t = fma(x, slope, offset),  i = floor(t) within 0 .. 31,  r = t - i:  c[0][i] + r * (c[1][i] + .. r * c[4][i]), one fma a step
  float operator()(float x) const;
};

/// codes[i] = clamp(rne(table(in[i])) + zero_point, lo, hi), NaN as 0
///
/// in     n f32; where a piece without end is constant its numbers are finite and below 1e30
/// codes  n bytes: u8 or s8 as lo and hi say; lo <= zero_point <= hi
/// All variants give the same bits.
struct PiecewiseArgs {
  const PiecewiseTable* table;
  const float* in;
  uint8_t* codes;
  size_t n;
  int32_t zero_point, lo, hi;
};
struct Piecewise {
  using Args = PiecewiseArgs;
  using Fn = void(const PiecewiseArgs&);
};

}  // namespace qtool::kernels
