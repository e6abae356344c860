#include <arm_neon.h>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

template <ArithmeticOp op>
__attribute__((always_inline)) inline float32x4_t apply(float32x4_t a, float32x4_t b) {
  if constexpr (op == ArithmeticOp::add) return vaddq_f32(a, b);
  if constexpr (op == ArithmeticOp::sub) return vsubq_f32(a, b);
  if constexpr (op == ArithmeticOp::mul) return vmulq_f32(a, b);
  return vdivq_f32(a, b);
}

/// Sixteen at a time; the scalar twin does the rest.
template <ArithmeticOp op, bool kA, bool kB>
void each(const CombineArgs& args) {
  const float *a = args.a, *b = args.b;
  float* out = args.out;
  const size_t n = args.n / 16 * 16;
  const float32x4_t one_a = vdupq_n_f32(kA ? *a : 0), one_b = vdupq_n_f32(kB ? *b : 0);
  for (size_t i = 0; i < n; i += 16) {
    float32x4_t x[4];
    for (size_t k = 0; k < 4; ++k) x[k] = apply<op>(kA ? one_a : vld1q_f32(a + i + 4 * k), kB ? one_b : vld1q_f32(b + i + 4 * k));
    for (size_t k = 0; k < 4; ++k) vst1q_f32(out + i + 4 * k, x[k]);
  }
  if (n == args.n) return;
  CombineArgs rest = args;
  if (!kA) rest.a += n;
  if (!kB) rest.b += n;
  rest.out += n, rest.n -= n;
  combine_scalar(rest);
}

template <ArithmeticOp op>
void with(const CombineArgs& args) {
  if (args.a_repeated) return args.b_repeated ? combine_scalar(args) : each<op, true, false>(args);
  args.b_repeated ? each<op, false, true>(args) : each<op, false, false>(args);
}

}  // namespace

void combine_neon(const CombineArgs& args) {
  if (args.op == ArithmeticOp::add) return with<ArithmeticOp::add>(args);
  if (args.op == ArithmeticOp::sub) return with<ArithmeticOp::sub>(args);
  args.op == ArithmeticOp::mul ? with<ArithmeticOp::mul>(args) : with<ArithmeticOp::div>(args);
}

}  // namespace qtool::kernels
