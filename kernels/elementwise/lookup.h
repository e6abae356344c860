#pragma once
#include <cstddef>
#include <cstdint>

namespace qtool::kernels {

/// out[i] = table[in[i]]
///
/// in, out  n bytes; may be the same, must not overlap otherwise. s8 codes index by their bits: -1 is entry 255.
/// table    256 bytes
struct LookupArgs {
  const uint8_t* in;
  uint8_t* out;
  size_t n;
  const uint8_t* table;
};
struct Lookup {
  using Args = LookupArgs;
  using Fn = void(const LookupArgs&);
};

}  // namespace qtool::kernels
