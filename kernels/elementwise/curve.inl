// The loops of Curve, compiled once an instruction set.
#include "kernels/elementwise/mathematics.inl"
#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

template <class F>
void each(const CurveArgs& args, F f) {
  const float* in = args.in;
  float* out = args.out;
#pragma GCC ivdep
  for (size_t i = 0; i < args.n; ++i) out[i] = f(in[i]);
}

void curve_any(const CurveArgs& args) {
  const float alpha = args.alpha, beta = args.beta;
  switch (args.kind) {
    case CurveKind::clip:
      return each(args, [=](float x) {
        const float above = x < alpha ? alpha : x;
        return above > beta ? beta : above;
      });
    case CurveKind::leaky:
      return each(args, [=](float x) { return x >= 0 ? x : alpha * x; });
    case CurveKind::affine:
      return each(args, [=](float x) { return alpha * x + beta; });
    case CurveKind::hard_swish:
      return each(args, [](float x) { return x * lesser(greater(x / 6.0f + 0.5f, 0.0f), 1.0f); });
    case CurveKind::hard_sigmoid:
      return each(args, [=](float x) { return lesser(greater(alpha * x + beta, 0.0f), 1.0f); });
    case CurveKind::sigmoid:
      return each(args, [](float x) { return sigmoid_of(x); });
    case CurveKind::swish:
      return each(args, [=](float x) { return x * sigmoid_of(alpha * x); });
    case CurveKind::tanh:
      return each(args, [](float x) { return tanh_of(x); });
    case CurveKind::exp:
      return each(args, [](float x) { return exp_of(x); });
    case CurveKind::erf:
      return each(args, [](float x) { return erf_of(x); });
    case CurveKind::gelu_erf:
      return each(args, [](float x) { return 0.5f * x * (1.0f + erf_of(x * 0.707106781f)); });
    case CurveKind::gelu_tanh:
      return each(args, [](float x) { return 0.5f * x * (1.0f + tanh_of(0.797884561f * (x + 0.044715f * x * x * x))); });
    case CurveKind::elu:
      return each(args, [=](float x) { return x >= 0 ? x : alpha * (exp_of(x) - 1.0f); });
    case CurveKind::abs:
      return each(args, [](float x) { return std::fabs(x); });
    case CurveKind::sqrt:
      return each(args, [](float x) { return std::sqrt(x); });
    case CurveKind::square:
      return each(args, [](float x) { return x * x; });
    case CurveKind::divide:
      return each(args, [=](float x) { return x / alpha; });
  }
}

}  // namespace
}  // namespace qtool::kernels
