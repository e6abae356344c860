#include "pass/splice.h"
#include "pass/tidy/passes.h"

namespace qtool {
namespace {

/// The branch a constant condition takes; null when it is not known.
Graph* taken_branch(const Node& node) {
  const Tensor* condition = node.in(0) ? node.in(0)->constant() : nullptr;
  if (!node.is("If") || !condition || condition->size() != 1) return nullptr;
  const std::string_view wanted = condition->number_at(0) != 0 ? "then_branch" : "else_branch";
  for (const Node::Body& body : node.bodies())
    if (body.attribute == wanted) return body.graph;
  return nullptr;
}

}  // namespace

PassReport inline_constant_if(Model& model) {
  PassReport report("inline_constant_if");
  for_each_graph(*model.graph, [&](Graph& graph) {
    for (Node& node : graph.editable()) {
      Graph* branch = taken_branch(node);
      if (!branch) continue;
      report.changed(node);
      Spliced spliced = splice(*branch, graph, node, {});
      replace_call(node, spliced);
    }
  });
  return report;
}

}  // namespace qtool
