// Operators that do nothing, or are another operator's special case.
#include "pass/tidy/passes.h"

namespace qtool {
namespace {

bool is_inference_dropout(const Node& node) {
  if (!node.is("Dropout") || (node.out(1) && !node.out(1)->unused())) return false;
  if (!node.in(2)) return true;
  const Tensor* training = node.in(2)->constant();
  return training && training->size() == 1 && training->number_at(0) == 0;
}

bool is_cast_to_same(const Node& node) {
  return node.is("Cast") && node.in(0)->type.dtype != DType::undefined &&
         node.attr_or("to", 0) == static_cast<int64_t>(node.in(0)->type.dtype);
}

bool is_no_op(const Node& node) {
  return node.in(0) && node.out() && (node.is("Identity") || is_inference_dropout(node) || is_cast_to_same(node));
}

/// The value can be given the name of a graph output.
bool may_take_public_name(const Value& value, const Graph& graph) {
  return value.producer().is_call() && &value.producer().graph() == &graph && !value.is_graph_output();
}

/// Why both names must stay; empty: the node can go.
std::string refuse(const Node& node) {
  if (!node.out()->is_graph_output() || may_take_public_name(*node.in(0), node.graph())) return {};
  return "both \"" + node.in(0)->name() + "\" and \"" + node.out()->name() + "\" are public names";
}

void drop(Node& node) {
  Graph& graph = node.graph();
  Value &from = *node.in(0), &to = *node.out();
  const bool is_public = to.is_graph_output();
  const std::string name = to.name();
  if (to.type.dims && !from.type.dims) from.type = to.type;
  graph.replace_uses(to, from);
  graph.erase(node);
  if (is_public) graph.rename(from, name);
}

}  // namespace

PassReport drop_no_ops(Model& model) {
  PassReport report("drop_no_ops");
  for_each_graph(*model.graph, [&](Graph& graph) {
    for (Node& node : graph.editable()) {
      if (!is_no_op(node)) continue;
      if (const std::string reason = refuse(node); !reason.empty()) {
        report.skipped(node, reason);
        continue;
      }
      report.changed(node);
      drop(node);
    }
  });
  return report;
}

PassReport sum_to_add(Model& model) {
  PassReport report("sum_to_add");
  for_each_graph(*model.graph, [&](Graph& graph) {
    for (Node& node : graph.nodes()) {
      if (!node.is("Sum") || node.input_count() == 0 || node.input_count() > 2) continue;
      report.changed(node);
      node.op = node.input_count() == 2 ? "Add" : "Identity";
    }
  });
  return report;
}

}  // namespace qtool
