#pragma once
#include <cstddef>
#include <cstdint>

namespace qtool::kernels {

/// Codes through a line of their channel's own, channels innermost:
///
///   x = in[p * channels + c] ^ flip as u8
///   out[p * channels + c] = clamp((x * multiplier[i(c)] + offset[i(c)]) >> shift, lo, hi)      >>: floor, so offset holds a half
///
/// in, out             pixels x channels bytes; may be the same, must not overlap otherwise
/// multiplier, offset  i32, channel c at i(c) = affine_index(c), padded with zeros to a multiple of 64 channels
/// |multiplier| < 2^22, and x * multiplier + offset must stay within +-2^30 for every u8 x
/// shift               16..20
/// lo, hi              -128 <= lo <= hi <= 127, or 0 <= lo <= hi <= 255
/// No allocation, no threads, no state.
struct AffineArgs {
  const uint8_t* in;
  uint8_t* out;
  size_t pixels, channels;
  uint8_t flip;
  const int32_t *multiplier, *offset;
  int shift;
  int32_t lo, hi;
};
struct Affine {
  using Args = AffineArgs;
  using Fn = void(const AffineArgs&);
};

/// Of 64 channels: first those of the lower halves of 16, then those of the upper ones, which is how packing to bytes meets them.
constexpr size_t affine_index(size_t c) { return c / 64 * 64 + c % 16 / 8 * 32 + c % 64 / 16 * 8 + c % 8; }

}  // namespace qtool::kernels
