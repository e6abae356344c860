// Constant -> weight: value, value_float(s), value_int(s).
#include "pass/tidy/passes.h"

namespace qtool {
namespace {

template <class T>
SealedTensor vector_tensor(const std::vector<T>& values) {
  return {Tensor::of<T>({static_cast<int64_t>(values.size())}, values), nullptr, TensorStorage::raw};
}

/// The tensor a Constant node gives; nothing for strings, sparse tensors and forms newer than known.
std::optional<SealedTensor> value_of(const Node& node) {
  for (const Attribute& attribute : node.attributes) {
    if (!attribute.reference.empty()) return std::nullopt;
    if (attribute.name == "value") {
      const auto* tensor = std::get_if<SealedTensor>(&attribute.value);
      if (tensor && tensor->tensor.defined() && tensor->tensor.dtype() != DType::string) return *tensor;
    }
    if (const auto* value = std::get_if<float>(&attribute.value)) return SealedTensor{Tensor::scalar(*value), nullptr, TensorStorage::raw};
    if (const auto* value = std::get_if<int64_t>(&attribute.value))
      return SealedTensor{Tensor::scalar(*value), nullptr, TensorStorage::raw};
    if (const auto* values = std::get_if<std::vector<float>>(&attribute.value)) return vector_tensor(*values);
    if (const auto* values = std::get_if<std::vector<int64_t>>(&attribute.value)) return vector_tensor(*values);
  }
  return std::nullopt;
}

void to_weight(Node& node, SealedTensor weight) {
  Graph& graph = node.graph();
  const std::string name = node.out()->name();
  graph.rename(*node.out(), graph.fresh_name(name + "_constant"));
  Node& made = graph.add_weight(name, weight.tensor);
  made.weight = std::move(weight);
  graph.replace_uses(*node.out(), *made.out());
  graph.erase(node);
}

}  // namespace

PassReport constants_to_weights(Model& model) {
  PassReport report("constants_to_weights");
  for_each_graph(*model.graph, [&](Graph& graph) {
    for (Node& node : graph.editable()) {
      if (!node.is("Constant") || !node.out() || node.out()->is_graph_output()) continue;
      auto weight = value_of(node);
      if (!weight) {
        report.skipped(node, "its value is not a tensor of numbers");
        continue;
      }
      report.changed(node);
      to_weight(node, std::move(*weight));
    }
  });
  return report;
}

}  // namespace qtool
