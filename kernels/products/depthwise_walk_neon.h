#pragma once
// The baseline's way along the rows of a depthwise convolution of 3 x 3 taps, 16 channels: the columns under a window stay in registers,
// so every code is read once for all windows of two or four output rows that cover it, and from where it lies.
#include <cstddef>
#include <cstdint>

namespace qtool::kernels {

/// What outputs of 16 channels are made with, as the assembly finds it. Sums of two products of codes and taps fit 16 bits: no tap is
/// -128. Rounding adds `magic`, 1.5 * 2^23, whose last bit is worth 1: the steps are then the lower halves of floats, |step| < 2^15.
struct WalkBlock {
  int8_t taps[9][16];  ///< by rows
  float scale[16], shift[16], magic[4];
  int16_t zero_point[8];
  int8_t lo[16], hi[16];
  uint8_t flip[16];  ///< of the output
};

/// Where a walk leads, in bytes. With n output rows and a stride of s it reads s (n - 1) + 3 rows, and s columns of 16 codes for an output.
struct WalkRoute {
  const uint8_t* in[6];  ///< the next column
  uint8_t* out[4];
  size_t in_step, out_step;
  size_t turns, rest;     ///< 3 turns columns of outputs; or 3 (turns - 1) + rest, where rest is 1 or 2
  const uint8_t* begun;   ///< the first 3 - s columns, rows side by side
  const uint8_t* beyond;  ///< what the last output's new columns hold in each row; or null: what lies there
};

/// Four output rows, or two, with a stride of 1; or two with one of 2.
enum class WalkForm { four, two, two_by_twos };

using Walk = void(const WalkRoute&, const WalkBlock&);

/// The walk of a form. flipped: codes read are u8. bounded: codes are bounded by lo and hi, and flipped.
Walk* walk_of(WalkForm form, bool flipped, bool bounded);

}  // namespace qtool::kernels
