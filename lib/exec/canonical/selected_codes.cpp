#include "exec/canonical/selected_codes.h"

#include <algorithm>

#include "exec/cluster/quantized.h"

namespace qtool {
namespace {

/// The DQ whose codes a pool could compare; null where it does so already, or gives more than the greatest values.
const Node* codes_of(const Node& pool) {
  if (!pool.is("MaxPool") && !pool.is("GlobalMaxPool")) return nullptr;
  const Value* out = pool.out(0);
  if (!out || out->is_graph_output() || out->unused() || (pool.out(1) && !pool.out(1)->unused())) return nullptr;
  if (!tensor_codes_behind(pool.in(0))) return nullptr;
  const auto& uses = out->uses();
  const bool quantized = std::all_of(uses.begin(), uses.end(), [](const Use& use) { return is_quantize(*use.node); });
  return quantized ? nullptr : &pool.in(0)->producer();
}

void quantize_behind(Graph& graph, Node& pool, const Node& dequantize) {
  Value& old = *pool.out(0);
  std::vector<Value*> inputs{&old, dequantize.in(1)};
  if (dequantize.in(2)) inputs.push_back(dequantize.in(2));
  Node* next = &graph.place_after(old);
  Node& quantize = graph.add_call(NodeKind::call_function, "", "QuantizeLinear", inputs, {graph.fresh_name(old.name() + "_codes")}, next);
  inputs[0] = quantize.out(0);
  Node& real = graph.add_call(NodeKind::call_function, "", "DequantizeLinear", inputs, {graph.fresh_name(old.name() + "_real")}, next);
  quantize.out(0)->type = {dtype_of(*dequantize.in(0)), old.type.dims}, real.out(0)->type = old.type;
  graph.replace_uses(old, *real.out(0));
  graph.set_input(quantize, 0, &old);
}

}  // namespace

void select_among_codes(Model& model) {
  for_each_graph(*model.graph, [](Graph& graph) {
    std::vector<std::pair<Node*, const Node*>> found;
    for (Node& node : graph.nodes())
      if (node.is_call())
        if (const Node* dequantize = codes_of(node)) found.emplace_back(&node, dequantize);
    for (const auto& [pool, dequantize] : found) quantize_behind(graph, *pool, *dequantize);
  });
}

}  // namespace qtool
