#pragma once
#include <cstddef>

namespace qtool::kernels {

/// Windows side by side: the taps of window r lie r * in_step elements further than those of the first, its output r * out_step.
struct WindowRow {
  size_t windows = 1, in_step = 0, out_step = 0;
};

}  // namespace qtool::kernels
