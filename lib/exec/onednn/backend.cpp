#include "exec/onednn/backend.h"

#include "exec/onednn/elementwise/table.h"
#include "exec/onednn/rows/rows.h"

namespace qtool::onednn {
namespace {

struct Row {
  ClusterKind kind;
  std::string_view op;
  LowerFn lower;
};

const Row kRows[] = {
#define LOWERING(kind, op, function) {ClusterKind::kind, op, function},
#include "exec/onednn/lowerings.inc"
#undef LOWERING
};

LowerResult lower_rows(const Model& model, const Cluster& cluster) {
  const bool is_operator = cluster.root && cluster.root->kind() == NodeKind::call_function;
  const std::string name = !is_operator ? "" : cluster.root->domain.empty() ? cluster.root->op : cluster.root->target();
  std::string reason = "no lowering";
  for (const Row& row : kRows) {
    if (row.kind != cluster.kind || !(row.op.empty() || row.op == name)) continue;
    LowerResult result = row.lower(model, cluster);
    if (std::holds_alternative<Lowered>(result)) return result;
    reason = std::get<Declined>(result).reason;
  }
  return Declined{reason};
}

/// Position of an inner Q behind which only activations follow, up to an output of codes.
std::optional<size_t> last_requantize(const Cluster& cluster) {
  size_t i = cluster.post_ops.size();
  while (i > 0 && cluster.post_ops[i - 1].kind == PostOp::Kind::activation) --i;
  const bool found = i > 0 && i < cluster.post_ops.size() && cluster.post_ops[i - 1].kind == PostOp::Kind::requantize;
  return found && cluster.outputs.size() == 1 ? std::optional(i - 1) : std::nullopt;
}

/// Operator -> Q -> DQ -> activations -> Q: the operator as if it ended in the inner Q, and a table for the rest, exact and cheaper than
/// activations in every register.
std::optional<Lowered> lower_in_two(const Model& model, const Cluster& cluster) {
  const auto inner = last_requantize(cluster);
  if (!inner || !per_tensor_8bit({nullptr, cluster.post_ops[*inner].params}) || !per_tensor_8bit(cluster.outputs[0])) return std::nullopt;
  std::vector<const Node*> nodes;
  for (size_t i = *inner + 1; i < cluster.post_ops.size(); ++i) nodes.push_back(cluster.post_ops[i].node);
  const auto chain = chain_function(model, nodes);
  if (!chain) return std::nullopt;
  Cluster head = cluster;
  head.outputs[0].params = cluster.post_ops[*inner].params;
  head.post_ops.resize(*inner);
  LowerResult result = lower_rows(model, head);
  if (!std::holds_alternative<Lowered>(result)) return std::nullopt;
  const QuantParams& to = *cluster.outputs[0].params;
  return with_table(std::move(std::get<Lowered>(result)), table_of(*head.outputs[0].params, to, *chain), to.dtype);
}

LowerResult lower(const Model& model, const Cluster& cluster) {
  if (auto lowered = lower_in_two(model, cluster)) return std::move(*lowered);
  return lower_rows(model, cluster);
}

std::string_view isa_name(dnnl::cpu_isa isa) {
  switch (isa) {
    case dnnl::cpu_isa::avx2:
      return "AVX2";
    case dnnl::cpu_isa::avx2_vnni:
      return "AVX2-VNNI";
    case dnnl::cpu_isa::avx512_core:
      return "AVX512";
    case dnnl::cpu_isa::avx512_core_vnni:
      return "AVX512-VNNI";
    case dnnl::cpu_isa::avx512_core_bf16:
      return "AVX512-VNNI";
    default:
      return isa == dnnl::cpu_isa::avx512_core_amx ? "AMX" : "x86";
  }
}

std::string description() {
  const dnnl_version_t& version = *dnnl_version();
  return "oneDNN " + std::to_string(version.major) + "." + std::to_string(version.minor) + "." + std::to_string(version.patch) + ", " +
         std::string(isa_name(dnnl::get_effective_cpu_isa()));
}

bool available() { return true; }

}  // namespace

const Backend kBackend{"onednn", lower, description, available};

}  // namespace qtool::onednn
