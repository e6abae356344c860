#include "ops/interpret.h"

#include "exec/reference/interpreter.h"

namespace qtool::testing {

std::vector<Tensor> interpret(const Model& model, const std::vector<Tensor>& inputs) {
  std::vector<Tensor> all = inputs;
  all.resize(model.graph->placeholders().size());
  return Interpreter(model).run(all);
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
