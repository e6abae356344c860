#pragma once
#include <cstddef>
#include <cstdint>

namespace qtool::kernels {

/// out[i] = in[i] ^ 0x80: u8 codes as s8 codes with a zero point 128 lower, or back. n bytes; in and out do not overlap.
struct FlipArgs {
  const uint8_t* in;
  uint8_t* out;
  size_t n;
};
struct Flip {
  using Args = FlipArgs;
  using Fn = void(const FlipArgs&);
};

}  // namespace qtool::kernels
