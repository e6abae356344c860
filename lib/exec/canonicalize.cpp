#include "exec/canonicalize.h"

#include <algorithm>

#include "exec/canonical/dynamic_recurrence.h"
#include "exec/canonical/expand_qlinear.h"
#include "exec/canonical/recognize.h"
#include "exec/canonical/selected_codes.h"
#include "exec/canonical/signed_codes.h"
#include "exec/cluster.h"
#include "exec/cluster/quantized.h"
#include "exec/lowering.h"
#include "graph/observer.h"
#include "ops/op_def.h"
#include "pass/fuse.h"
#include "pass/tidy.h"

namespace qtool {
namespace {

/// Constants of channels around a product go into its weights. Not wanted as fusions: only their rewrite runs.
std::vector<FusionRule> weight_rules() {
  constexpr std::pair<const char*, const char*> kRules[] = {
      {"BatchNormalization(Conv|ConvTranspose(?x, ?w, ?b=), ...)", "fold_bn"},
      {"BatchNormalization(Gemm(?x, const, ?b=), ...)", "fold_bn"},
      {"Mul|Div(Conv|ConvTranspose(?x, ?w, ?b=), const)", "fold_mul"},
      {"Add(Conv|ConvTranspose(?x, ?w, ?b=), const)", "fold_add"},
      {"Mul|Div(BatchNormalization(?x, ...), const)", "fold_mul"},
      {"Add(BatchNormalization(?x, ...), const)", "fold_add"},
  };
  std::vector<FusionRule> rules;
  for (const auto& [pattern, rewrite] : kRules) {
    FusionRule rule{Pattern::parse(pattern), "", rewrite, "", 0};
    rules.push_back(std::move(rule));
  }
  return rules;
}

/// One DequantizeLinear of a constant, replaced by its floats.
void compute_now(const Model& model, Graph& graph, Node& node) {
  std::vector<Tensor> in, out(1);
  for (const Value* value : node.inputs()) in.push_back(value ? *value->constant() : Tensor());
  find_op(model, node)->eval(node, in, out);
  Value& computed = *graph.add_weight(graph.fresh_name(node.out(0)->name() + "_real"), out[0]).out(0);
  graph.replace_uses(*node.out(0), computed);
  graph.erase(node);
}

bool all_constant(const Node& node) {
  for (const Value* value : node.inputs())
    if (value && !value->constant()) return false;
  return node.in(0) != nullptr;
}

/// A scalar beside an Add, Sub, Mul or Div: as a float it makes the node a function of the other operand alone, a table.
bool is_scalar_operand(const Node& dequantize) {
  if (!is_dequantize(dequantize) || !all_constant(dequantize) || dequantize.in(0)->constant()->size() != 1 || !dequantize.out(0))
    return false;
  const auto& uses = dequantize.out(0)->uses();
  return !uses.empty() && std::all_of(uses.begin(), uses.end(), [](const Use& use) {
    return use.node->is("Add") || use.node->is("Sub") || use.node->is("Mul") || use.node->is("Div");
  });
}

void dequantize_scalars(const Model& model, Graph& graph) {
  for (Node& node : graph.editable())
    if (is_scalar_operand(node) && find_op(model, node)) compute_now(model, graph, node);
}

/// Weights that are quantized in the file but wanted as floats by the cluster that reads them.
void dequantize_constants(Model& model, Graph& graph) {
  for (Cluster& cluster : cluster(model, graph)) {
    Node& root = *cluster.root;
    const bool literal = cluster.kind == ClusterKind::dequantize || cluster.kind == ClusterKind::node;
    const bool float_result = literal && is_dequantize(root) && all_constant(root) && root.out(0) && !root.out(0)->unused();
    if (float_result && !root.out(0)->is_graph_output() && find_op(model, root)) compute_now(model, graph, root);
  }
}

/// Not linted yet.
Model canonical_form(const Model& model) {
  Model result = inlined_for_execution(model);
  infer_types(result);
  expand_qlinear(result);
  tidy(result);
  infer_types(result);
  fuse(result, weight_rules(), [](const Node&) { return true; });
  recognize_operators(result);
  select_among_codes(result);
  infer_types(result);
  for_each_graph(*result.graph, [&](Graph& graph) {
    dequantize_scalars(result, graph);
    dequantize_constants(result, graph);
  });
  return result;
}

}  // namespace

Model inlined_for_execution(const Model& model) {
  Model result = copy(model);
  inline_functions(result, is_observer);
  mark_dynamic_recurrences(result);
  return result;
}

Model canonical_for_execution(const Model& model) {
  Model result = canonical_form(model);
  lint(result, "canonical for execution");
  return result;
}

Model canonical_for_execution(const Model& model, const Backend& backend) {
  Model result = canonical_form(model);
  if (backend.signed_codes) sign_codes(result);
  lint(result, "canonical for execution");
  return result;
}

}  // namespace qtool
