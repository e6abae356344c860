#include "exec/onednn/products/clamps.h"

#include <algorithm>
#include <limits>

#include "exec/onednn/products/activation.h"
#include "exec/onednn/products/operands.h"

namespace qtool::onednn {

std::optional<CodeBounds> clamp_of(const Cluster& cluster, const Epilogue& epilogue) {
  if (cluster.outputs.size() != 1 || !per_tensor_8bit(cluster.outputs[0])) return std::nullopt;
  const auto has_operand = [](const Epilogue::Operation& operation) { return operation.operand != nullptr; };
  if (std::any_of(epilogue.operations.begin(), epilogue.operations.end(), has_operand)) return std::nullopt;
  float low = -std::numeric_limits<float>::infinity(), high = -low;
  for (const PostOp& post : cluster.post_ops) {
    if (post.kind == PostOp::Kind::add) continue;  // in the bias
    const auto activation = post.kind == PostOp::Kind::activation ? activation_of(*post.node) : std::nullopt;
    if (!activation || activation->kind != Activation::Kind::clip) return std::nullopt;
    low = std::min(std::max(low, activation->alpha), activation->beta);
    high = std::min(std::max(high, activation->alpha), activation->beta);
  }
  const QuantParams& out = *cluster.outputs[0].params;
  const CodeRange codes = full_range(out.dtype);
  const auto code = [&](float y) { return quantize_value(y, out.scale(), out.zero_point(), codes); };
  return CodeBounds{code(low), code(high)};
}

}  // namespace qtool::onednn
