#include "ops/interpret.h"

namespace qtool::testing {
namespace {

using Values = std::unordered_map<const Value*, Tensor>;

void call(const Model& model, const Node& node, Values& values) {
  const OpDef* row = find_op(model, node);
  if (!row || !row->eval) throw unsupported(node.path() + ": " + node.op + " of domain \"" + node.domain + "\" cannot be run");
  std::vector<Tensor> in, out(node.output_count());
  for (const Value* value : node.inputs()) in.push_back(value ? values[value] : Tensor());
  with_frame(node.path(), [&] { row->eval(node, in, out); });
  for (size_t i = 0; i < out.size(); ++i)
    if (node.out(i)) values[node.out(i)] = out[i];
}

}  // namespace

std::vector<Tensor> interpret(const Model& model, const std::vector<Tensor>& inputs) {
  Values values;
  size_t next = 0;
  for (Node& node : model.graph->nodes()) {
    if (node.kind() == NodeKind::placeholder) {
      const bool given = next < inputs.size() && inputs[next].defined();
      values[node.out(0)] = given ? inputs[next] : node.weight ? node.weight->tensor : Tensor();
      ++next;
    }
    if (node.kind() == NodeKind::get_attr) values[node.out(0)] = node.weight->tensor;
    if (node.is_call()) call(model, node, values);
  }
  std::vector<Tensor> results;
  for (const Value* value : model.graph->output().inputs()) results.push_back(values[value]);
  return results;
}

std::vector<Tensor> run_op(const std::string& op, int64_t opset, const std::vector<Tensor>& inputs,
                           const std::vector<Attribute>& attributes, size_t outputs) {
  Model model;
  model.set_opset("", opset);
  Graph& graph = *model.graph;
  std::vector<Value*> values;
  for (size_t i = 0; i < inputs.size(); ++i)
    values.push_back(inputs[i].defined() ? graph.add_weight("in" + std::to_string(i), inputs[i]).out(0) : nullptr);
  std::vector<std::string> names;
  for (size_t i = 0; i < outputs; ++i) names.push_back("out" + std::to_string(i));
  Node& node = graph.add_call(NodeKind::call_function, "", op, values, names);
  node.attributes = attributes;
  std::vector<Value*> results;
  for (const auto& value : node.outputs()) results.push_back(value.get());
  graph.set_outputs_of_graph(results);
  return interpret(model, {});
}

}  // namespace qtool::testing
