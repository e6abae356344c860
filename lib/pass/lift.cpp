// Lifting, one opset at a time: a node whose row changes at that opset is rewritten by the old row's lift function.
#include <algorithm>

#include "ops/op_def.h"
#include "pass/tidy.h"

namespace qtool {
namespace {

/// `row` is left behind at `opset`: the operator has a newer row there, or ends (a row that lifts, and none follows).
bool ends_at(const OpDef& row, int64_t opset) {
  const OpDef* newest = find_op(row.domain, row.name, opset);
  if (newest != &row) return newest->since == opset;
  const bool is_last = std::none_of(all_ops().begin(), all_ops().end(), [&](const OpDef* other) {
    return other->name == row.name && other->domain == row.domain && other->since > row.since;
  });
  return row.lift && is_last && opset == row.since + 1;
}

void lift_node(Graph& graph, Node& node, int64_t opset, PassReport& report) {
  if (node.kind() != NodeKind::call_function || !node.domain.empty()) return;
  const OpDef* row = find_op("", node.op, opset - 1);
  if (!row || !row->lift || !ends_at(*row, opset)) return;
  report.changed(node);
  row->lift(graph, node);
}

void lift_graph(Graph& top, int64_t from, int64_t to, PassReport& report) {
  for (int64_t opset = from + 1; opset <= to; ++opset)
    for_each_graph(top, [&](Graph& graph) {
      for (Node& node : graph.editable()) lift_node(graph, node, opset, report);
    });
}

void lift_function(Function& function, int64_t to, PassReport& report) {
  for (auto& [domain, version] : function.opsets) {
    if (!(domain.empty() || domain == "ai.onnx") || version >= to) continue;
    lift_graph(*function.body, version, to, report);
    version = to;
  }
}

}  // namespace

PassReport lift(Model& model, int64_t opset) {
  PassReport report("lift");
  for (const auto& function : model.functions) with_frame("function " + function->name, [&] { lift_function(*function, opset, report); });
  const int64_t from = model.opset();
  if (from == 0 || from >= opset) return report;
  lift_graph(*model.graph, from, opset, report);
  model.set_opset("", opset);
  return report;
}

}  // namespace qtool
