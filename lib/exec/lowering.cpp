#include "exec/lowering.h"

namespace qtool {

std::vector<const Operand*> activations_of(const Cluster& cluster) {
  std::vector<const Operand*> found;
  const auto add = [&](const Operand& operand) {
    if (operand.value && !operand.constant()) found.push_back(&operand);
  };
  for (const Operand& operand : cluster.inputs) add(operand);
  for (const PostOp& post : cluster.post_ops) add(post.operand);
  return found;
}

}  // namespace qtool
