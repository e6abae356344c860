#pragma once
#include <cstddef>

#include "kernels/elementwise/arithmetic.h"

namespace qtool::kernels {

/// out[i] = a[i] op b[i] in f32
///
/// a, b  n f32; where repeated, one that stands for all n. out n f32, may be a or b.
struct CombineArgs {
  ArithmeticOp op;
  const float *a, *b;
  bool a_repeated, b_repeated;
  float* out;
  size_t n;
};
struct Combine {
  using Args = CombineArgs;
  using Fn = void(const CombineArgs&);
};

}  // namespace qtool::kernels
