#pragma once
#include <cstddef>

namespace qtool::kernels {

enum class CurveKind {
  clip,          ///< min(max(x, alpha), beta); NaN stays
  leaky,         ///< x >= 0 ? x : alpha * x
  affine,        ///< alpha * x + beta, two roundings
  hard_swish,    ///< x * min(max(x / 6 + 0.5, 0), 1)
  hard_sigmoid,  ///< min(max(alpha * x + beta, 0), 1)
  sigmoid,       ///< 1 / (1 + exp(-x))
  swish,         ///< x * sigmoid(alpha * x)
  tanh,
  exp,
  erf,
  gelu_erf,   ///< x / 2 * (1 + erf(x / sqrt(2)))
  gelu_tanh,  ///< x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))
  elu,        ///< x >= 0 ? x : alpha * (exp(x) - 1)
  abs,
  sqrt,
  square,
  divide,  ///< x / alpha
};

/// out[i] = curve(in[i])
///
/// in, out  n f32; may be the same. exp is within 2 units in the last place (below -87 it is 0, above 88.7 infinity), erf within
/// 2e-7 absolutely; all variants give the same bits.
struct CurveArgs {
  CurveKind kind;
  float alpha, beta;
  const float* in;
  float* out;
  size_t n;
};
struct Curve {
  using Args = CurveArgs;
  using Fn = void(const CurveArgs&);
};

}  // namespace qtool::kernels
