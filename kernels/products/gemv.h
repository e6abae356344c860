#pragma once
#include <cstddef>

namespace qtool::kernels {

/// out[n] = (((out[n] + in[0] * weights[0][n]) + in[1] * weights[1][n]) + ...)        k rows of n weights, row-major
///
/// Added in this order, each product and sum rounded to f32. out overlaps nothing else.
struct GemvArgs {
  const float *in, *weights;
  float* out;
  size_t k, n;
};
struct Gemv {
  using Args = GemvArgs;
  using Fn = void(const GemvArgs&);
};

}  // namespace qtool::kernels
