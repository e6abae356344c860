// Unary operators and chains of them: on codes one table of 256 entries, filled by the operators' own eval; on floats our curves.

#include "exec/kernels/elementwise/curves.h"
#include "exec/kernels/elementwise/table.h"
#include "exec/kernels/function_step.h"
#include "exec/kernels/lowerings.h"
#include "exec/kernels/products/operands.h"

namespace qtool::lowerings {
namespace {

/// Root and activations; nothing where a post-op is another kind.
std::optional<std::vector<const Node*>> nodes_of(const Cluster& cluster) {
  std::vector<const Node*> nodes{cluster.root};
  for (const PostOp& post : cluster.post_ops) {
    if (post.kind != PostOp::Kind::activation) return std::nullopt;
    nodes.push_back(post.node);
  }
  return nodes;
}

LowerResult lower_codes(const Model& model, const Cluster& cluster, const Operand& x) {
  const Operand& y = cluster.outputs[0];
  if (!per_tensor_8bit(x) || !per_tensor_8bit(y)) return Declined{"codes are not per-tensor 8-bit"};
  const auto nodes = nodes_of(cluster);
  const auto chain = nodes ? chain_function(model, *nodes) : std::nullopt;
  if (!chain) return Declined{"an operator of the chain cannot be evaluated"};
  return lower_table(*x.params, *y.params, *chain);
}

LowerResult lower_floats(const Cluster& cluster) {
  auto curves = curves_of(*cluster.root);
  const auto behind = curves_of(cluster.post_ops);
  if (!curves || !behind) return Declined{"no kernel for an operator of the chain"};
  curves->insert(curves->end(), behind->begin(), behind->end());
  return make_lowered(LayoutRule::same, std::string(kernels::best<kernels::Curve>().name),
                      [chain = *curves](StepInputs in, std::span<Array> out, StepContext& context) {
                        expect_type(*in[0], DType::float32);
                        out[0] = {context.pool.tensor(DType::float32, in[0]->tensor.shape()), in[0]->layout};
                        apply(chain, floats_in(*in[0]), floats_out(out[0]), static_cast<size_t>(in[0]->tensor.size()));
                      });
}

}  // namespace

LowerResult lower_unary(const Model& model, const Cluster& cluster) {
  const auto activations = activations_of(cluster);
  if (activations.size() != 1) return Declined{"not one input"};
  if (activations[0]->quantized() != cluster.outputs[0].quantized()) return Declined{"codes on one side, floats on the other"};
  return activations[0]->quantized() ? lower_codes(model, cluster, *activations[0]) : lower_floats(cluster);
}

}  // namespace qtool::lowerings
