#include "onnxio/graph_writer.h"

#include <unordered_map>
#include <unordered_set>

#include "onnxio/attribute_codec.h"
#include "onnxio/graph_reader.h"
#include "onnxio/value_type.h"

namespace qtool::onnxio {
namespace {

using onnx::GraphProto;
using onnx::NodeProto;
using onnx::ValueInfoProto;

const std::string& name_or_empty(const Value* value) {
  static const std::string empty;
  return value ? value->name() : empty;
}

/// Sparse weights have neither tensor nor seal: they are in the graph's seal.
bool is_sparse(const SealedTensor& weight) { return !weight.tensor.defined() && !weight.sealed; }

bool is_weight(const Value* value) { return value && value->producer().kind() == NodeKind::get_attr; }

/// In the order of the file where the seal keeps one; new ones behind.
std::vector<GraphWriter::NamedWeight> ordered_weights(const Graph& graph, GraphProto& message) {
  std::vector<GraphWriter::NamedWeight> ordered;
  std::unordered_set<std::string> taken;
  auto take = [&](const Value* value) {
    const auto* weight = value && value->producer().weight ? &*value->producer().weight : nullptr;
    if (weight && !is_sparse(*weight) && taken.insert(value->name()).second) ordered.emplace_back(value->name(), weight);
  };
  for (const auto& stub : message.initializer()) take(graph.find(stub.name()));
  for (const Node& node : graph.nodes())
    if (node.weight) take(node.out());
  message.clear_initializer();
  return ordered;
}

void drop_replaced_sparse(const Graph& graph, GraphProto& message) {
  auto& list = *message.mutable_sparse_initializer();
  const auto gone = [&](const onnx::SparseTensorProto& sparse) {
    const Value* value = graph.find(sparse.values().name());
    return !value || !value->producer().weight || !is_sparse(*value->producer().weight);
  };
  for (int i = list.size(); i-- > 0;)
    if (gone(list[i])) list.DeleteSubrange(i, 1);
}

/// Entries of values that are gone go too; a type that contradicts what we know is written anew.
void write_value_infos(const Graph& graph, GraphProto& message) {
  google::protobuf::RepeatedPtrField<ValueInfoProto> kept;
  for (auto& info : *message.mutable_value_info()) {
    const bool stray = unmark(info);
    const Value* value = graph.find(info.name());
    if (!value && !stray) continue;
    if (value && !agrees(info.type(), value->type)) write_type(*info.mutable_type(), value->type);
    *kept.Add() = std::move(info);
  }
  message.mutable_value_info()->Swap(&kept);
}

void write_outputs(const Graph& graph, GraphProto& message) {
  const auto& values = graph.output().inputs();
  for (size_t i = 0; i < values.size(); ++i) {
    const Sealed sealed = i < graph.output_sealed.size() ? graph.output_sealed[i] : nullptr;
    *message.add_output() = value_info(sealed, *values[i], false);
  }
}

}  // namespace

GraphProto GraphWriter::write_head(const Graph& graph, std::vector<NamedWeight>& weights) const {
  auto message = unseal<GraphProto>(graph.sealed);
  if (!graph.name.empty()) message.set_name(graph.name);
  weights = ordered_weights(graph, message);
  drop_replaced_sparse(graph, message);
  write_inputs(graph, message);
  write_nodes(graph, *message.mutable_node(), Weights::elsewhere);
  write_outputs(graph, message);
  write_value_infos(graph, message);
  return message;
}

GraphProto GraphWriter::write(const Graph& graph) const {
  std::vector<NamedWeight> weights;
  GraphProto message = write_head(graph, weights);
  for (const NamedWeight& weight : weights) {
    bool raw = false;
    onnx::TensorProto tensor = write_weight(weight, raw);
    std::string packed;
    if (raw) tensor.set_raw_data(std::string(raw_bytes(weight.second->tensor, packed)));
    *message.add_initializer() = std::move(tensor);
  }
  return message;
}

onnx::TensorProto GraphWriter::write_weight(const NamedWeight& weight, bool& raw) const {
  const SealedTensor& tensor = *weight.second;
  onnx::TensorProto head = tensor_head(tensor);
  if (!weight.first.empty()) head.set_name(weight.first);
  raw = false;
  if (sidecar_ && sidecar_->place(tensor.tensor, head)) return head;
  raw = writes_raw(tensor) && tensor.tensor.size() != 0;
  if (raw || !tensor.tensor.defined() || writes_raw(tensor)) return head;
  head = encode_tensor(tensor);
  head.set_name(weight.first);
  return head;
}

/// The seal holds a list of inputs only where some are weights (IR 3): they keep their places.
void GraphWriter::write_inputs(const Graph& graph, GraphProto& message) const {
  google::protobuf::RepeatedPtrField<ValueInfoProto> held;
  held.Swap(message.mutable_input());
  const bool lists_weights = !held.empty() && ir_version_ < kIrOfDefaults;
  std::unordered_set<std::string> written;
  for (auto& info : held) {
    const Value* value = graph.find(info.name());
    if (unmark(info)) {
      written.insert(info.name());
      continue;
    }
    if (!value || (is_weight(value) && !lists_weights)) continue;
    const Sealed sealed = is_weight(value) ? seal(info) : value->producer().sealed;
    *message.add_input() = value_info(sealed, *value, !is_weight(value));
    written.insert(info.name());
  }
  for (const Node& node : graph.nodes()) {
    const bool listed = node.kind() == NodeKind::placeholder || (node.kind() == NodeKind::get_attr && lists_weights);
    if (listed && written.insert(node.out()->name()).second) *message.add_input() = value_info(node.sealed, *node.out(), true);
  }
}

void GraphWriter::write_nodes(const Graph& graph, google::protobuf::RepeatedPtrField<NodeProto>& nodes, Weights weights) const {
  for (const Node& node : graph.nodes()) {
    if (node.is_call()) *nodes.Add() = write_node(node);
    if (node.kind() != NodeKind::get_attr || weights == Weights::elsewhere) continue;
    NodeProto& constant = *nodes.Add();
    constant.set_op_type("Constant");
    constant.add_output(node.out()->name());
    *constant.add_attribute() = encode_attribute({"value", *node.weight, {}, nullptr}, nullptr);
  }
}

NodeProto GraphWriter::write_node(const Node& node) const {
  auto message = unseal<NodeProto>(node.sealed);
  if (!node.name.empty()) message.set_name(node.name);
  if (!node.op.empty()) message.set_op_type(node.op);
  if (!node.domain.empty()) message.set_domain(node.domain);
  set_string_field(message, kNodeOverload, node.overload);
  for (const Value* value : node.inputs()) message.add_input(name_or_empty(value));
  for (const auto& value : node.outputs()) message.add_output(name_or_empty(value.get()));
  const WriteBody write_body = [this](const Graph& body) { return write(body); };
  for (const Attribute& attribute : node.attributes) *message.add_attribute() = encode_attribute(attribute, write_body);
  return message;
}

}  // namespace qtool::onnxio
