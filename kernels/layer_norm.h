#pragma once
#include <cstddef>

namespace qtool::kernels {

/// out[i] = (in[i] - mean) * (1 / sqrt(variance + epsilon)) * scale[i] + bias[i]
///
/// mean and variance (of the n elements, biased) in f64, in 8 lanes added at the end in order; the rest in f32.
/// in, out  n f32, may be the same; bias may be null (zeros)
struct LayerNormArgs {
  const float *in, *scale, *bias;
  float* out;
  size_t n;
  float epsilon;
};
struct LayerNorm {
  using Args = LayerNormArgs;
  using Fn = void(const LayerNormArgs&);
};

}  // namespace qtool::kernels
