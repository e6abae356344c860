#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

template <class F>
void combine_with(const CombineArgs& args, F f) {
  const float *a = args.a, *b = args.b;
  float* out = args.out;
  const size_t n = args.n;
  if (args.a_repeated) {
    const float x = *a;
#pragma GCC ivdep
    for (size_t i = 0; i < n; ++i) out[i] = f(x, args.b_repeated ? *b : b[i]);
  } else if (args.b_repeated) {
    const float y = *b;
#pragma GCC ivdep
    for (size_t i = 0; i < n; ++i) out[i] = f(a[i], y);
  } else {
#pragma GCC ivdep
    for (size_t i = 0; i < n; ++i) out[i] = f(a[i], b[i]);
  }
}

void combine_any(const CombineArgs& args) {
  switch (args.op) {
    case ArithmeticOp::add:
      return combine_with(args, [](float x, float y) { return x + y; });
    case ArithmeticOp::sub:
      return combine_with(args, [](float x, float y) { return x - y; });
    case ArithmeticOp::mul:
      return combine_with(args, [](float x, float y) { return x * y; });
    case ArithmeticOp::div:
      return combine_with(args, [](float x, float y) { return x / y; });
  }
}

}  // namespace
}  // namespace qtool::kernels
