#pragma once
#include <cstddef>

namespace qtool::kernels {

/// out[i] = exp(in[i] - max in) / sum over j of exp(in[j] - max in)
///
/// in, out  n f32, n >= 1; may be the same. exp as in Curve; sums in 16 f32 lanes, added at the end in order.
struct SoftmaxArgs {
  const float* in;
  float* out;
  size_t n;
};
struct Softmax {
  using Args = SoftmaxArgs;
  using Fn = void(const SoftmaxArgs&);
};

}  // namespace qtool::kernels
