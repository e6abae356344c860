#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace qtool::kernels {

/// One output row of a depthwise convolution on 8-bit codes, or two neighbours (t = 0, 1) that share what they read; channels innermost:
///
///   acc(t, x, c) = sum over r < 4 * groups, kx < kw of (in(r, x * stride + kx * dilation - left, c) - 128) * w(t, kx, r, c)         i32
///   in(r, i, c)  = rows[r][i * channels + c] ^ flip as u8 for 0 <= i < in_width, else zero_point
///   y(t, x, c)   = clamp(rne(fma(f32(acc), scale[c], shift[c])) + out_zero_point, lo, hi)                       rne: ties to even
///   out[t][x * channels + c] = y's low 8 bits, or where there is a table its entry at them
///
/// rows     4 * groups pointers, groups 1 or 2; rows that meet only zero weights may be any row. Pixels 0 .. in_width - 1 are read.
/// weights  s8, see DepthwisePacking
/// start    i32: -128 * sum over r, kx of w(t, kx, r, c), the same for both t: what variants begin with that multiply u8 codes
/// scale, shift  f32. Like start they hold max(channels, 16) entries. A zero point of in other than 128 is the shift's concern.
/// flip     0x80 for s8 codes, else 0; zero_point is that of the flipped codes
/// lo, hi   -128 <= lo <= hi <= 127, or 0 <= lo <= hi <= 255
/// times    how often all of this is done, 1 or more: time i takes rows + 4 * groups * i, and out[t] + i * out_step
/// Any channels, kw, stride, dilation >= 1, out_width. |fma(...)| < 2^31. Only out_rows rows of out are written, none overlapping rows.
/// No allocation, no threads, no state.
struct DepthwiseArgs {
  const uint8_t* const* rows;
  size_t groups, kw, stride, dilation, left, channels, in_width, out_width, out_rows;
  uint8_t flip, zero_point;
  const int8_t* weights;
  size_t shifts;  ///< of the packing
  const int32_t* start;
  const float *scale, *shift;
  int32_t out_zero_point, lo, hi;
  const uint8_t* table;  ///< 256 bytes or null
  uint8_t* out[2];
  size_t times = 1, out_step = 0;

  /// Time i alone.
  DepthwiseArgs at(size_t i) const {
    DepthwiseArgs one = *this;
    one.times = 1, one.rows = rows + 4 * groups * i;
    for (size_t t = 0; t < out_rows; ++t) one.out[t] = out[t] + i * out_step;
    return one;
  }
};
struct Depthwise {
  using Args = DepthwiseArgs;
  using Fn = void(const DepthwiseArgs&);
};

/// Weights w(t, kx, r, c) lie by blocks of 16 channels: p(block, t, kx, r / 4, c - first(block), r % 4), t < shifts, padded with zeros. The
/// last block begins 16 before the end, so that blocks are full (and channels may lie in two) where there are 16 at all.
struct DepthwisePacking {
  size_t channels, kw, groups, shifts;
  size_t blocks() const { return (channels + 15) / 16; }
  size_t first(size_t block) const { return std::min(16 * block, channels < 16 ? 0 : channels - 16); }
  size_t block_size() const { return shifts * kw * groups * 64; }
  size_t size() const { return blocks() * block_size(); }
  size_t index(size_t block, size_t t, size_t kx, size_t r, size_t c) const {
    return block * block_size() + ((t * kw + kx) * groups + r / 4) * 64 + (c - first(block)) * 4 + r % 4;
  }
};

}  // namespace qtool::kernels
