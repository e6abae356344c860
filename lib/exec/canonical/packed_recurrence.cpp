#include "exec/canonical/packed_recurrence.h"

#include "exec/canonical/stored_codes.h"
#include "graph/domains.h"
#include "ops/helpers/rnn.h"

namespace qtool {
namespace {

bool is_recurrence(const Node& node) {
  return (node.is("LSTM") || node.is("GRU") || node.is("RNN")) && node.attr_or(kDynamicAttribute, 0) == 0 && node.in(0);
}

/// With one scale, one a row, or one a block of a row.
bool can_be_packed(const std::optional<StoredCodes>& stored) {
  if (!stored || stored->codes->rank() != 3) return false;
  const bool known = stored->per_tensor() || stored->per_slice_of(1) || (stored->per_block_of(2) && stored->block % 2 == 0);
  return known && stored->fits_s8();
}

bool can_be_packed(const Node& node) {
  const auto w = stored_codes(node.in(1)), r = stored_codes(node.in(2));
  return can_be_packed(w) && can_be_packed(r) && w->block == r->block;
}

void pack(Graph& graph, Node& node) {
  Value *const w = node.in(1), *const r = node.in(2);
  std::vector<Value*> inputs{node.in(0), w->producer().in(0), r->producer().in(0)};
  for (size_t i = 3; i < 8; ++i) inputs.push_back(node.in(i));
  for (const Value* weight : {w, r})
    for (const size_t parameter : {size_t{1}, size_t{2}}) inputs.push_back(weight->producer().in(parameter));
  while (!inputs.back()) inputs.pop_back();
  std::vector<std::string> outputs;
  for (const auto& value : node.outputs()) outputs.push_back(value ? graph.fresh_name(value->name() + "_packed") : "");
  Node& made = graph.add_call(NodeKind::call_function, kPackedDomain, node.op, inputs, outputs, &node);
  made.name = node.name;
  made.attributes = node.attributes;
  if (const int64_t block = w->producer().attr_or("block_size", 0); block > 0) made.set_attribute("block_size", block);
  for (size_t i = 0; i < node.output_count(); ++i) {
    if (!node.out(i)) continue;
    made.out(i)->type = node.out(i)->type;
    graph.replace_uses(*node.out(i), *made.out(i));
  }
  graph.erase(node);
  erase_if_unused(*w);
  if (r != w) erase_if_unused(*r);
}

}  // namespace

void pack_recurrences(Model& model) {
  bool found = false;
  for_each_graph(*model.graph, [&](Graph& graph) {
    for (Node& node : graph.editable()) {
      if (!is_recurrence(node) || !can_be_packed(node)) continue;
      pack(graph, node);
      found = true;
    }
  });
  if (found && model.opset(kPackedDomain) == 0) model.set_opset(kPackedDomain, 1);
}

}  // namespace qtool
