#include "ops/helpers/lift.h"

namespace qtool {

Value* add_constant(Graph& graph, const Node& node, const std::string& suffix, Tensor tensor) {
  const std::string base = (node.out(0) ? node.out(0)->name() : node.op) + "_" + suffix;
  return graph.add_weight(graph.fresh_name(base), std::move(tensor)).out(0);
}

void ints_to_input(Graph& graph, Node& node, const char* name, size_t index) {
  if (!node.attribute(name)) return;
  const std::vector<int64_t> values = node.attr_or(name, std::vector<int64_t>{});
  node.remove_attribute(name);
  graph.set_input(node, index, add_constant(graph, node, name, Tensor::of<int64_t>({std::ssize(values)}, values)));
}

void refuse_lift(const Node& node, const std::string& reason) {
  throw unsupported(node.path() + ": " + node.op + " cannot be lifted to a newer opset: " + reason);
}

}  // namespace qtool
