#include "exec/kernels/lowerings.h"

#include "exec/kernels/elementwise/table.h"

namespace qtool::lowerings {
namespace {

const Row kRows[] = {
#define LOWERING(kind, op, function) {ClusterKind::kind, op, function},
#include "exec/kernels/lowerings.inc"
#undef LOWERING
};

std::string operator_of(const Cluster& cluster) {
  const bool is_operator = cluster.root && cluster.root->kind() == NodeKind::call_function;
  return !is_operator ? "" : cluster.root->domain.empty() ? cluster.root->op : cluster.root->target();
}

/// Lowered by one of the rows; else the reason of the last that tried is written to `declined`.
std::optional<LowerResult> try_rows(std::span<const Row> rows, const Model& model, const Cluster& cluster, Declined& declined) {
  const std::string name = operator_of(cluster);
  for (const Row& row : rows) {
    if (row.kind != cluster.kind || !(row.op.empty() || row.op == name)) continue;
    LowerResult result = row.lower(model, cluster);
    if (std::holds_alternative<Lowered>(result)) return result;
    declined = std::get<Declined>(result);
  }
  return std::nullopt;
}

LowerResult lower_rows(std::span<const Row> own, const Model& model, const Cluster& cluster) {
  Declined declined{"no lowering"}, shared;
  if (auto result = try_rows(own, model, cluster, declined)) return std::move(*result);
  if (auto result = try_rows(kRows, model, cluster, shared)) return std::move(*result);
  return declined.reason == "no lowering" && !shared.reason.empty() ? shared : declined;
}

/// Position of an inner Q behind which only activations follow, up to an output of codes.
std::optional<size_t> last_requantize(const Cluster& cluster) {
  size_t i = cluster.post_ops.size();
  while (i > 0 && cluster.post_ops[i - 1].kind == PostOp::Kind::activation) --i;
  const bool found = i > 0 && i < cluster.post_ops.size() && cluster.post_ops[i - 1].kind == PostOp::Kind::requantize;
  return found && cluster.outputs.size() == 1 ? std::optional(i - 1) : std::nullopt;
}

/// Exact, and cheaper than activations in every register.
std::optional<Lowered> lower_in_two(std::span<const Row> own, const Model& model, const Cluster& cluster) {
  const auto inner = last_requantize(cluster);
  if (!inner || !per_tensor_8bit({nullptr, cluster.post_ops[*inner].params}) || !per_tensor_8bit(cluster.outputs[0])) return std::nullopt;
  std::vector<const Node*> nodes;
  for (size_t i = *inner + 1; i < cluster.post_ops.size(); ++i) nodes.push_back(cluster.post_ops[i].node);
  const auto chain = chain_function(model, nodes);
  if (!chain) return std::nullopt;
  Cluster head = cluster;
  head.outputs[0].params = cluster.post_ops[*inner].params;
  head.post_ops.resize(*inner);
  LowerResult result = lower_rows(own, model, head);
  if (!std::holds_alternative<Lowered>(result)) return std::nullopt;
  const QuantParams& to = *cluster.outputs[0].params;
  return with_table(std::move(std::get<Lowered>(result)), table_of(*head.outputs[0].params, to, *chain), to.dtype);
}

}  // namespace

LowerResult lower_by(std::span<const Row> own, const Model& model, const Cluster& cluster) {
  if (auto lowered = lower_in_two(own, model, cluster)) return std::move(*lowered);
  return lower_rows(own, model, cluster);
}

}  // namespace qtool::lowerings
