// Unary operators and chains of them: on codes one table of 256 entries, filled by the operators' own eval; on floats our curves.

#include "exec/onednn/curves.h"
#include "exec/onednn/function_step.h"
#include "exec/onednn/operands.h"
#include "exec/onednn/rows.h"
#include "exec/onednn/table.h"
#include "ops/op_def.h"

namespace qtool::onednn {
namespace {

/// node(x), its other inputs constant.
Tensor evaluate(const Model& model, const Node& node, const Tensor& x, size_t data) {
  std::vector<Tensor> in(node.input_count());
  for (size_t i = 0; i < in.size(); ++i)
    if (node.in(i)) in[i] = i == data ? x : *node.in(i)->constant();
  std::vector<Tensor> out(node.output_count());
  find_op(model, node)->eval(node, in, out);
  return out[0];
}

struct Link {
  const Node* node;
  size_t data;
};

/// Root and activations with their data inputs; nothing where one cannot be evaluated.
std::optional<std::vector<Link>> chain_of(const Model& model, const Cluster& cluster) {
  std::vector<Link> chain;
  const auto add = [&](const Node& node) {
    const auto data = unary_data_input(model, node);
    const OpDef* op = find_op(model, node);
    if (data && op && op->eval) chain.push_back({&node, *data});
    return data && op && op->eval;
  };
  if (!add(*cluster.root)) return std::nullopt;
  for (const PostOp& post : cluster.post_ops)
    if (post.kind != PostOp::Kind::activation || !add(*post.node)) return std::nullopt;
  return chain;
}

LowerResult lower_codes(const Model& model, const Cluster& cluster, const Operand& x) {
  const Operand& y = cluster.outputs[0];
  if (!per_tensor_8bit(x) || !per_tensor_8bit(y)) return Declined{"codes are not per-tensor 8-bit"};
  const auto chain = chain_of(model, cluster);
  if (!chain) return Declined{"an operator of the chain cannot be evaluated"};
  return lower_table(*x.params, *y.params, [&](Tensor real) {
    for (const Link& link : *chain) real = evaluate(model, *link.node, real, link.data);
    return real;
  });
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

}  // namespace qtool::onednn
