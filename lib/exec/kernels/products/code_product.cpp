#include "exec/kernels/products/code_product.h"

#include <algorithm>
#include <limits>

#include "exec/kernels/elementwise/curves.h"
#include "exec/kernels/products/operands.h"

namespace qtool::lowerings {

std::optional<CodeBounds> bounds_behind(const Cluster& cluster, size_t first) {
  if (cluster.outputs.size() != 1 || !per_tensor_8bit(cluster.outputs[0])) return std::nullopt;
  const auto curves = curves_of({cluster.post_ops.begin() + static_cast<std::ptrdiff_t>(first), cluster.post_ops.end()});
  if (!curves) return std::nullopt;
  float low = -std::numeric_limits<float>::infinity(), high = -low;
  for (const CurveStep& curve : *curves) {
    if (curve.kind != kernels::CurveKind::clip) return std::nullopt;
    low = std::min(std::max(low, curve.alpha), curve.beta);
    high = std::min(std::max(high, curve.alpha), curve.beta);
  }
  const QuantParams& out = *cluster.outputs[0].params;
  const CodeRange codes = full_range(out.dtype);
  const auto code = [&](float y) { return quantize_value(y, out.scale(), out.zero_point(), codes); };
  return CodeBounds{code(low), code(high)};
}

}  // namespace qtool::lowerings
