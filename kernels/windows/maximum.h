#pragma once
#include <cstddef>
#include <cstdint>

#include "kernels/windows/window_row.h"

namespace qtool::kernels {

/// out[i] = max over t < count of taps[t][i], for each of the windows of a row
///
/// taps  count >= 1 rows of n bytes, s8 or u8
/// out   n bytes, none of the taps
struct MaximumArgs {
  const uint8_t* const* taps;
  size_t count, n;
  uint8_t* out;
  bool is_signed;
  WindowRow row = {};
};
struct Maximum {
  using Args = MaximumArgs;
  using Fn = void(const MaximumArgs&);
};

}  // namespace qtool::kernels
