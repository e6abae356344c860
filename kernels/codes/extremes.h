#pragma once
#include <cstddef>

namespace qtool::kernels {

/// *lo = the least of in[0..n) and 0, *hi = the greatest; NaN is passed over. Any n. No allocation, no threads, no state.
struct ExtremesArgs {
  const float* in;
  size_t n;
  float *lo, *hi;
};
struct Extremes {
  using Args = ExtremesArgs;
  using Fn = void(const ExtremesArgs&);
};

}  // namespace qtool::kernels
