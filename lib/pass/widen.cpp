// float16 and bfloat16 -> float32: weights, types of operators, borders of bodies. Graph inputs and outputs keep their type behind a Cast;
// operators nobody here knows are fed what they were fed.
#include <unordered_map>

#include "ops/op_def.h"
#include "pass/tidy.h"

namespace qtool {
namespace {

bool is_half(DType dtype) { return dtype == DType::float16 || dtype == DType::bfloat16; }

SealedTensor widened(const SealedTensor& weight) { return {weight.tensor.cast(DType::float32), nullptr, TensorStorage::raw}; }

/// Attributes that name a type (Cast.to, RandomNormal.dtype) or hold numbers (ConstantOfShape.value).
void widen_attributes(Node& node) {
  for (Attribute& attribute : node.attributes) {
    const bool names_type = attribute.name == "to" || attribute.name == "dtype" || attribute.name == "output_dtype";
    if (auto* number = std::get_if<int64_t>(&attribute.value); number && names_type && is_half(static_cast<DType>(*number)))
      *number = static_cast<int64_t>(DType::float32);
    if (auto* tensor = std::get_if<SealedTensor>(&attribute.value); tensor && is_half(tensor->tensor.dtype())) *tensor = widened(*tensor);
  }
}

class Widener {
 public:
  explicit Widener(Model& model) : model_(model), main_(*model.graph) {
    for_each_graph(main_, [&](Graph& graph) {
      for (const Node& node : graph.nodes())
        for (const auto& value : node.outputs())
          if (value && is_half(value->type.dtype)) half_[value.get()] = value->type.dtype;
    });
  }

  PassReport run() {
    if (half_.empty()) return std::move(report_);
    for_each_graph(main_, [&](Graph& graph) {
      for (Node& node : graph.editable()) visit(graph, node);
    });
    narrow_outputs();
    return std::move(report_);
  }

 private:
  void visit(Graph& graph, Node& node) {
    if (node.is_call() && node.kind() == NodeKind::call_function && find_op(model_, node)) widen_attributes(node);
    if (node.is_call() && !find_op(model_, node)) return narrow_around(graph, node);
    for (const auto& value : node.outputs())
      if (value && half_.count(value.get())) widen(graph, node, *value);
  }

  void widen(Graph& graph, Node& node, Value& value) {
    report_.changed(node);
    if (is_public(node, value)) return widen_behind(graph, value, &graph.output());
    if (node.weight) node.weight = widened(*node.weight);
    value.type.dtype = DType::float32;
  }

  /// Inputs of the model, and weights that are outputs of it.
  bool is_public(const Node& node, const Value& value) const {
    return &node.graph() == &main_ && (node.kind() == NodeKind::placeholder || (node.weight && value.is_graph_output()));
  }

  void widen_behind(Graph& graph, Value& value, const Node* except) {
    Value& wide = cast(graph, value, value.name() + "_float32", DType::float32, &graph.place_after(value));
    std::vector<Use> users;
    for (const Use& use : value.uses())
      if (use.node != &wide.producer() && use.node != except) users.push_back(use);
    for (const Use& use : users) graph.replace_use(use, wide);
  }

  Value& cast(Graph& graph, Value& value, const std::string& name, DType to, Node* before) {
    Value& result = graph.call("Cast", {&value}, graph.fresh_name(name), before);
    result.producer().set_attribute("to", static_cast<int64_t>(to));
    result.type = {to, value.type.dims};
    return result;
  }

  /// An unknown operator reads and makes what it did before.
  void narrow_around(Graph& graph, Node& node) {
    report_.skipped(node, "is not known: it keeps its types");
    for (size_t i = 0; i < node.input_count(); ++i) {
      Value* value = node.in(i);
      const auto found = value ? half_.find(original(*value)) : half_.end();
      if (found != half_.end() && value->type.dtype == DType::float32)
        graph.set_input(node, i, &cast(graph, *value, value->name() + "_half", found->second, &node));
    }
    for (const auto& value : node.outputs())
      if (value && half_.count(value.get())) widen_behind(graph, *value, nullptr);
  }

  /// The value a Cast of ours stands for.
  static const Value* original(const Value& value) {
    const Node& producer = value.producer();
    return producer.is("Cast") && is_half(producer.in(0)->type.dtype) ? producer.in(0) : &value;
  }

  void narrow_outputs() {
    std::vector<Value*> outputs = main_.output().inputs();
    for (Value*& output : outputs) {
      const auto found = output ? half_.find(original(*output)) : half_.end();
      if (found == half_.end() || output->type.dtype != DType::float32) continue;
      const std::string name = output->name();
      main_.rename(*output, main_.fresh_name(name + "_float32"));
      output = &cast(main_, *output, name, found->second, nullptr);
    }
    main_.set_outputs_of_graph(outputs);
  }

  Model& model_;
  Graph& main_;
  std::unordered_map<const Value*, DType> half_;  ///< as it was
  PassReport report_{"widen_floats"};
};

}  // namespace

PassReport widen_floats(Model& model) {
  infer_types(model);
  PassReport report = Widener(model).run();
  if (!report.changes.empty()) infer_types(model);
  return report;
}

}  // namespace qtool
