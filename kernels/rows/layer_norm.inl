#include "kernels/rows/layer_norm_statistics.h"
#include "kernels/registry.h"
#include "kernels/rows/rows.inl"

namespace qtool::kernels {
namespace {

void layer_norm_any(const LayerNormArgs& args) {
  for (size_t r = 0; r < args.rows; ++r) {
    const float* in = args.in + r * args.n;
    const auto n = static_cast<double>(args.n);
    const auto m = static_cast<float>(static_cast<double>(lane_sum(args.n, [in](size_t i) { return in[i]; })) / n);
    const float sum = lane_sum(args.n, [in, m](size_t i) { return in[i] - m; });
    const float squares = lane_sum(args.n, [in, m](size_t i) { return (in[i] - m) * (in[i] - m); });
    const Normalization normal(sum, squares, n, args.epsilon);
    for (size_t i = 0; i < args.n; ++i) {
      const float y = (in[i] - m - normal.offset) * normal.inverse * args.scale[i] + (args.bias ? args.bias[i] : 0.0f);
      if (args.codes)
        args.codes[r * args.n + i] = code_of(y, args.zero_point, args.lo, args.hi);
      else
        args.out[r * args.n + i] = y;
    }
  }
}

}  // namespace
}  // namespace qtool::kernels
