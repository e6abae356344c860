#include "exec/lifetime.h"

namespace qtool {

std::unordered_map<const Node*, std::vector<const Value*>> last_uses(const Graph& graph) {
  std::unordered_map<const Value*, const Node*> last;
  const auto use = [&](const Value* value, const Node& node) {
    if (value && !value->constant() && &value->producer().graph() == &graph) last[value] = &node;
  };
  for (const Node& node : graph.nodes()) {
    if (!node.is_call()) continue;
    for (const auto& output : node.outputs()) use(output.get(), node);
    for (const Value* value : node.inputs()) use(value, node);
    for (const Value* value : node.captures()) use(value, node);
  }
  for (const Value* value : graph.output().inputs()) last.erase(value);
  std::unordered_map<const Node*, std::vector<const Value*>> result;
  for (const auto& [value, node] : last) result[node].push_back(value);
  return result;
}

}  // namespace qtool
