#include <algorithm>

#include "pass/tidy/passes.h"

namespace qtool {
namespace {

bool is_dead(const Node& node) {
  if (!node.is_call() && node.kind() != NodeKind::get_attr) return false;
  return std::all_of(node.outputs().begin(), node.outputs().end(), [](const auto& value) { return !value || value->unused(); });
}

/// Users before producers; a node's bodies before what they capture.
void drop_dead(Graph& graph, PassReport& report) {
  std::vector<Node*> nodes;
  for (Node& node : graph.nodes()) nodes.push_back(&node);
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    if (!is_dead(**node)) {
      for (const Node::Body& body : (*node)->bodies()) drop_dead(*body.graph, report);
      continue;
    }
    report.changed(**node);
    graph.erase(**node);
  }
}

}  // namespace

PassReport drop_dead(Model& model) {
  PassReport report("drop_dead");
  drop_dead(*model.graph, report);
  return report;
}

}  // namespace qtool
