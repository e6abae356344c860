#include "quantize/to_qdq.h"

#include <algorithm>
#include <map>

#include "pass/fuse.h"
#include "pass/tidy.h"
#include "quantize/constants_to_qdq.h"
#include "quantize/qdq_nodes.h"

namespace qtool {
namespace {

/// Replaces one activation by its Q -> DQ pair.
class ActivationRewriter {
 public:
  ActivationRewriter(const QuantPlan& plan, const QParams& qparams, QdqNodes& nodes) : plan_(plan), qparams_(qparams), nodes_(nodes) {}

  void run() {
    for (Value* value : plan_.order) rewrite(*value);
  }

 private:
  /// Only users that take codes read the DQ where the producer is float: the others keep the exact value.
  bool wants_dq(const Value& value, const Use& use) const {
    const NodeDecision* maker = plan_.decision_of(value.producer());
    if (maker && maker->quantized && !maker->float_output) return true;
    const NodeDecision* taker = plan_.decision_of(*use.node);
    return taker && taker->quantized && std::find(taker->data.begin(), taker->data.end(), use.input) != taker->data.end();
  }

  void rewrite(Value& value) {
    std::vector<Use> users, rest;
    for (const Use& use : value.uses()) (wants_dq(value, use) ? users : rest).push_back(use);
    const std::string name = value.name();
    Graph& graph = value.producer().graph();
    const bool keeps_name = !rest.empty() || value.producer().kind() == NodeKind::placeholder;
    if (!keeps_name) graph.rename(value, graph.fresh_name(name + "_raw"));
    Value& codes = nodes_.quantize(value, name, qparams_.tensors.at(&value));
    std::map<Graph*, Value*> real;
    for (const Use& use : users) {
      Graph& there = use.node->graph();
      Value*& dq = real[&there];
      if (!dq) dq = &nodes_.dequantize(there, codes, name, &there == &graph && !keeps_name, qparams_.tensors.at(&value));
      there.replace_use(use, *dq);
    }
  }

  const QuantPlan& plan_;
  const QParams& qparams_;
  QdqNodes& nodes_;
};

}  // namespace

void drop_unused_weights(Graph& graph) {
  for_each_graph(graph, [](Graph& each) {
    for (Node& node : each.editable())
      if (node.kind() == NodeKind::get_attr && node.out(0)->unused()) each.erase(node);
  });
}

void dissolve_groups(Model& model) {
  const auto dissolves = [](const std::string& domain) { return domain == kFusedDomain || domain == kWrappedDomain; };
  inline_functions(model, [&](const Node& call) { return !dissolves(call.domain); });
  std::erase_if(model.functions, [&](const auto& function) { return dissolves(function->domain); });
  std::erase_if(model.opsets, [&](const auto& entry) { return dissolves(entry.first); });
  drop_unused_weights(*model.graph);
}

void to_qdq(Model& model, const QuantPlan& plan, const QParams& qparams, const Placement& placement) {
  QdqNodes nodes(*model.graph);
  constants_to_qdq(plan, qparams, placement, nodes);
  ActivationRewriter(plan, qparams, nodes).run();
  dissolve_groups(model);
}

}  // namespace qtool
