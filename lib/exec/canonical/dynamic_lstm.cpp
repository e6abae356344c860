#include "exec/canonical/dynamic_lstm.h"

#include "exec/canonical/dynamic_recurrence.h"
#include "exec/cluster/quantized.h"
#include "ops/helpers/rnn.h"

namespace qtool {
namespace {

bool applies(const Node& node) {
  if (node.target() != "com.microsoft.DynamicQuantizeLSTM" || !node.in(0)) return false;
  for (const size_t weight : {size_t{1}, size_t{2}})
    if (!constant_in(node, weight) || !constant_in(node, 6 + 2 * weight) || (node.in(7 + 2 * weight) && !constant_in(node, 7 + 2 * weight)))
      return false;
  return true;
}

Value& real(Graph& graph, const Node& node, size_t weight) {
  const Tensor* zero = constant_in(node, 7 + 2 * weight);
  return *graph
              .add_weight(graph.fresh_name(node.in(weight)->name() + "_real"),
                          dynamic_lstm_weights(*constant_in(node, weight), *constant_in(node, 6 + 2 * weight), zero ? *zero : Tensor()))
              .out(0);
}

/// Of the rows of a weight in all directions; nothing where its zero points are not 0.
std::optional<std::vector<float>> row_scales(const Node& node, size_t weight) {
  const Tensor &codes = *constant_in(node, weight), &scale = *constant_in(node, 6 + 2 * weight);
  const Tensor* zero = constant_in(node, 7 + 2 * weight);
  for (int64_t i = 0; zero && i < zero->size(); ++i)
    if (zero->number_at(i) != 0) return std::nullopt;
  if (codes.dtype() != DType::int8 || scale.size() == 0) return std::nullopt;
  std::vector<float> scales;
  const int64_t rows = codes.shape()[0] * codes.shape()[2];
  for (int64_t row = 0; row < rows; ++row) scales.push_back(static_cast<float>(scale.number_at(row * scale.size() / rows)));
  return scales;
}

void rewrite(Graph& graph, Node& node) {
  std::vector<Value*> inputs{node.in(0), &real(graph, node, 1), &real(graph, node, 2)};
  for (const size_t kept : {size_t{3}, size_t{4}, size_t{5}, size_t{6}, size_t{7}}) inputs.push_back(node.in(kept));
  while (!inputs.back()) inputs.pop_back();
  std::vector<std::string> outputs;
  for (const auto& value : node.outputs()) outputs.push_back(value ? graph.fresh_name(value->name() + "_real") : "");
  Node& made = graph.add_call(NodeKind::call_function, "", "LSTM", inputs, outputs, &node);
  made.name = node.name;
  made.attributes = node.attributes;
  made.set_attribute(kDynamicAttribute, int64_t{1});
  if (const auto w = row_scales(node, 1), r = row_scales(node, 2); w && r) {
    made.set_attribute(kRowScales[0], *w);
    made.set_attribute(kRowScales[1], *r);
  }
  for (size_t i = 0; i < node.output_count(); ++i) {
    if (!node.out(i)) continue;
    made.out(i)->type = node.out(i)->type;
    graph.replace_uses(*node.out(i), *made.out(i));
  }
  graph.erase(node);
}

}  // namespace

void unquantize_dynamic_lstms(Model& model) {
  for_each_graph(*model.graph, [](Graph& graph) {
    for (Node& node : graph.editable())
      if (applies(node)) with_frame(node.path(), [&] { rewrite(graph, node); });
  });
}

}  // namespace qtool
