#include "onnxio/graph_reader.h"

#include "onnxio/value_type.h"

namespace qtool::onnxio {
namespace {

using onnx::GraphProto;
using onnx::NodeProto;

/// How a node is called in an error: before it stands in a graph its path is not known.
std::string label(const NodeProto& node) {
  std::string name = node.name();
  if (name.empty() && node.output_size() != 0) name = node.op_type() + "_" + node.output(0);
  return "node \"" + name + "\"" + (node.name().empty() || node.op_type().empty() ? "" : " (" + node.op_type() + ")");
}

std::string tensor_label(const std::string& name) { return "tensor \"" + name + "\""; }

/// "ai.onnx" is the long name of the default domain; it stays in the message.
std::string take_operator_domain(NodeProto& node) { return node.domain() == "ai.onnx" ? "" : take_domain(node); }

/// Keeps the list of inputs where weights are among them. Placeholders keep only their name here; weights that are no inputs
/// get a marked entry, so that saving can tell them from new ones.
void keep_order_of_inputs(GraphProto& message, const Graph& graph) {
  std::unordered_set<std::string> weights;
  for (auto& input : *message.mutable_input()) {
    if (graph.find(input.name())->producer().kind() == NodeKind::get_attr) {
      weights.insert(input.name());
      continue;
    }
    onnx::ValueInfoProto stub;
    stub.set_name(input.name());
    input = std::move(stub);
  }
  if (weights.empty()) return message.clear_input();
  for (const Node& node : graph.nodes()) {
    if (node.kind() != NodeKind::get_attr || weights.count(node.out()->name())) continue;
    auto& stub = *message.add_input();
    stub.set_name(node.out()->name());
    mark(stub);
  }
}

/// Names of the initializers, where writing defaults of placeholders first and then the weights would change their order.
void keep_order_of_weights(GraphProto& message, const std::vector<std::string>& names, const Graph& graph) {
  std::vector<std::string> usual;
  for (const Node& node : graph.nodes())
    if (node.weight && node.out() && (node.weight->tensor.defined() || node.weight->sealed)) usual.push_back(node.out()->name());
  message.clear_initializer();
  if (names == usual) return;
  for (const std::string& name : names) message.add_initializer()->set_name(name);
}

bool nothing_known(const ValueType& type) { return type.dtype == DType::undefined && !type.dims; }

}  // namespace

GraphReader::GraphReader(FileContext& file, Graph& graph, GraphReader* parent)
    : file_(file), graph_(graph), parent_(parent), depth_(parent ? parent->depth_ + 1 : 0) {
  if (depth_ > kMaxBodyDepth) throw invalid_file("bodies within bodies, deeper than " + std::to_string(kMaxBodyDepth));
}

void GraphReader::read(GraphProto& message) {
  graph_.name = take_name(message);
  std::vector<std::string> weight_order;
  for (const auto& tensor : message.initializer()) weight_order.push_back(tensor.name());
  read_inputs(message, weight_names(message));
  read_weights(message);
  read_sparse_weights(message);
  keep_order_of_inputs(message, graph_);
  keep_order_of_weights(message, weight_order, graph_);
  read_nodes(*message.mutable_node());
  message.clear_node();
  read_graph_outputs(message);
  read_types(message);
  graph_.sealed = seal(message);
}

GraphReader::Names GraphReader::weight_names(const GraphProto& message) {
  Names names;
  for (const auto& tensor : message.initializer()) {
    if (tensor.name().empty()) throw invalid_file("an initializer without a name");
    if (!names.insert(tensor.name()).second) throw invalid_file("initializer \"" + tensor.name() + "\" is defined twice");
  }
  return names;
}

void GraphReader::read_inputs(GraphProto& message, const Names& weights) {
  for (auto& input : *message.mutable_input()) {
    if (input.name().empty()) throw invalid_file("a graph input without a name");
    const bool is_weight = weights.count(input.name()) != 0;
    if (is_weight && file_.ir_version < kIrOfDefaults) {
      if (graph_.find(input.name())) throw invalid_file("graph input \"" + input.name() + "\" is defined twice");
      continue;
    }
    Node& node = graph_.add_placeholder(input.name(), type_of(input.type()), is_weight);
    onnx::ValueInfoProto rest = input;
    rest.clear_name();
    node.sealed = seal(rest);
  }
}

void GraphReader::read_weights(GraphProto& message) {
  for (auto& tensor : *message.mutable_initializer()) {
    const std::string name = take_name(tensor);
    with_frame(tensor_label(name), [&] {
      SealedTensor weight = decode_tensor(tensor, file_.external);
      const Value* input = graph_.find(name);
      Node& node = input ? input->producer() : graph_.add_weight(name, weight.tensor);
      node.weight = std::move(weight);
    });
  }
}

/// Sparse weights stay in the seal; their values are made, without a tensor.
void GraphReader::read_sparse_weights(const GraphProto& message) {
  for (const auto& sparse : message.sparse_initializer()) {
    const std::string& name = sparse.values().name();
    if (name.empty()) throw invalid_file("a sparse initializer without a name");
    const Value* input = graph_.find(name);
    if (input && input->producer().kind() == NodeKind::placeholder && !input->producer().weight)
      input->producer().weight.emplace();
    else
      graph_.add_weight(name, Tensor());
  }
}

void GraphReader::read_nodes(google::protobuf::RepeatedPtrField<NodeProto>& nodes) {
  std::vector<Node*> declared;
  for (auto& message : nodes) declared.push_back(&declare(message));
  for (int i = 0; i < nodes.size(); ++i) {
    connect(*declared[static_cast<size_t>(i)], nodes[i]);
    nodes[i].Clear();
  }
  if (!sorted_) graph_.sort_topologically();
}

Node& GraphReader::declare(NodeProto& message) {
  const std::string overload = string_field(message, kNodeOverload);
  return with_frame(label(message), [&]() -> Node& {
    if (message.op_type().empty()) throw invalid_file("no operator (op_type)");
    const std::string domain = message.domain() == "ai.onnx" ? "" : message.domain();  // the long name of the default domain
    const bool is_module = file_.functions.count({domain, message.op_type(), overload}) != 0;
    const auto kind = is_module ? NodeKind::call_module : NodeKind::call_function;
    Node& node = graph_.add_call(kind, domain, message.op_type(), {}, {message.output().begin(), message.output().end()});
    node.overload = overload;
    return node;
  });
}

void GraphReader::connect(Node& node, NodeProto& message) {
  with_frame(label(message), [&] {
    for (int i = 0; i < message.input_size(); ++i) {
      const std::string& name = message.input(i);
      Value* value = name.empty() ? nullptr : resolve(name);
      if (!value && !name.empty())
        throw invalid_file("input " + std::to_string(i) + " \"" + name + "\" is made by no node and is no input or weight");
      graph_.add_input(node, value);
    }
    for (auto& attribute : *message.mutable_attribute()) {
      const std::string attribute_name = attribute.name();
      const ReadBody read_body = [&](GraphProto& body_message) {
        auto body = std::make_shared<Graph>(node);
        GraphReader(file_, *body, this).read(body_message);
        return body;
      };
      node.attributes.push_back(with_frame(attribute_name, [&] { return decode_attribute(attribute, file_.external, read_body); }));
    }
  });
  message.clear_input(), message.clear_output(), message.clear_attribute();
  node.name = take_name(message);
  take(message, &NodeProto::op_type, &NodeProto::mutable_op_type, &NodeProto::clear_op_type);
  take_operator_domain(message);
  node.sealed = seal(message);
  connected_.insert(&node);
}

/// A value that a node further down makes is found too: then its graph is to be sorted.
Value* GraphReader::resolve(const std::string& name) {
  for (GraphReader* reader = this; reader; reader = reader->parent_) {
    Value* found = reader->graph_.find(name);
    if (!found) continue;
    if (found->producer().is_call() && !reader->connected_.count(&found->producer())) reader->sorted_ = false;
    return found;
  }
  return nullptr;
}

void GraphReader::read_outputs(const std::vector<std::string>& names) {
  std::vector<Value*> values;
  for (const std::string& name : names) {
    values.push_back(resolve(name));
    if (!values.back()) throw invalid_file("graph output \"" + name + "\" is made by no node and is no input or weight");
  }
  graph_.set_outputs_of_graph(values);
}

void GraphReader::read_graph_outputs(GraphProto& message) {
  std::vector<std::string> names;
  for (auto& output : *message.mutable_output()) names.push_back(output.name());
  read_outputs(names);
  for (auto& output : *message.mutable_output()) {
    onnx::ValueInfoProto rest = output;
    rest.clear_name();
    graph_.output_sealed.push_back(seal_bare(rest));
  }
}

void GraphReader::take_type(const onnx::ValueInfoProto& info) {
  Value* value = graph_.find(info.name());
  if (value && nothing_known(value->type)) value->type = type_of(info.type());
}

void GraphReader::read_types(GraphProto& message) {
  for (auto& info : *message.mutable_value_info()) {
    if (graph_.find(info.name()))
      take_type(info);
    else
      mark(info);  // names no value already in the file: to be kept
  }
  for (const auto& info : message.output()) take_type(info);
  message.clear_output();
}

}  // namespace qtool::onnxio
