#include "onnxio/attribute_codec.h"

namespace qtool::onnxio {
namespace {

using onnx::AttributeProto;

/// The kind declared, else (files of IR 1) the kind of the field that is filled.
int kind_of(const AttributeProto& message) {
  if (message.type() != AttributeProto::UNDEFINED) return message.type();
  if (message.has_f()) return AttributeProto::FLOAT;
  if (message.has_i()) return AttributeProto::INT;
  if (message.has_s()) return AttributeProto::STRING;
  if (message.has_t()) return AttributeProto::TENSOR;
  if (message.has_g()) return AttributeProto::GRAPH;
  if (message.floats_size()) return AttributeProto::FLOATS;
  if (message.ints_size()) return AttributeProto::INTS;
  if (message.strings_size()) return AttributeProto::STRINGS;
  if (message.graphs_size()) return AttributeProto::GRAPHS;
  return AttributeProto::UNDEFINED;
}

/// The kinds that hold no tensor and no graph; monostate for others.
AttributeValue plain_value(const AttributeProto& message) {
  if (!message.ref_attr_name().empty()) return {};
  switch (kind_of(message)) {
    case AttributeProto::FLOAT:
      return message.f();
    case AttributeProto::INT:
      return static_cast<int64_t>(message.i());
    case AttributeProto::STRING:
      return message.s();
    case AttributeProto::FLOATS:
      return std::vector<float>(message.floats().begin(), message.floats().end());
    case AttributeProto::INTS:
      return std::vector<int64_t>(message.ints().begin(), message.ints().end());
    case AttributeProto::STRINGS:
      return std::vector<std::string>(message.strings().begin(), message.strings().end());
    default:
      return {};
  }
}

AttributeValue take_value(AttributeProto& message, ExternalData& external, const ReadBody& read_body) {
  if (!message.ref_attr_name().empty()) return {};
  switch (kind_of(message)) {
    case AttributeProto::TENSOR: {
      if (!message.has_t()) return {};
      SealedTensor tensor = decode_tensor(*message.mutable_t(), external);
      message.clear_t();
      return tensor;
    }
    case AttributeProto::GRAPH: {
      if (!message.has_g()) return {};
      auto body = read_body(*message.mutable_g());
      message.clear_g();
      return body;
    }
    case AttributeProto::GRAPHS: {
      std::vector<std::shared_ptr<Graph>> bodies;
      for (auto& graph : *message.mutable_graphs()) bodies.push_back(read_body(graph));
      message.clear_graphs();
      return bodies;
    }
    default:
      return plain_value(message);
  }
}

/// Sets type and value fields; bodies and tensors through `write_body`, or left out without it.
struct Write {
  AttributeProto& message;
  const WriteBody* write_body;
  void type(AttributeProto::AttributeType kind) const {
    if (kind_of(message) != kind) message.set_type(kind);
  }
  void operator()(std::monostate) const {}
  void operator()(int64_t value) const { type(AttributeProto::INT), message.set_i(value); }
  void operator()(float value) const { type(AttributeProto::FLOAT), message.set_f(value); }
  void operator()(const std::string& value) const { type(AttributeProto::STRING), message.set_s(value); }
  void operator()(const std::vector<int64_t>& values) const {
    type(AttributeProto::INTS);
    message.mutable_ints()->Assign(values.begin(), values.end());
  }
  void operator()(const std::vector<float>& values) const {
    type(AttributeProto::FLOATS);
    message.mutable_floats()->Assign(values.begin(), values.end());
  }
  void operator()(const std::vector<std::string>& values) const {
    type(AttributeProto::STRINGS);
    for (const auto& value : values) message.add_strings(value);
  }
  void operator()(const SealedTensor& tensor) const {
    if (write_body) *message.mutable_t() = encode_tensor(tensor);
    type(AttributeProto::TENSOR);
  }
  void operator()(const std::shared_ptr<Graph>& body) const {
    if (write_body) *message.mutable_g() = (*write_body)(*body);
    type(AttributeProto::GRAPH);
  }
  void operator()(const std::vector<std::shared_ptr<Graph>>& bodies) const {
    if (write_body)
      for (const auto& body : bodies) *message.add_graphs() = (*write_body)(*body);
    type(AttributeProto::GRAPHS);
  }
};

/// The attribute as we write one that came from no file, without tensors and graphs.
AttributeProto canonical(const Attribute& attribute) {
  AttributeProto message;
  message.set_name(attribute.name);
  if (!attribute.reference.empty()) message.set_ref_attr_name(attribute.reference);
  std::visit(Write{message, nullptr}, attribute.value);
  return message;
}

bool same(const AttributeProto& a, const AttributeProto& b) { return a.SerializeAsString() == b.SerializeAsString(); }

bool holds_messages(const AttributeValue& value) {
  return std::holds_alternative<SealedTensor>(value) || std::holds_alternative<std::shared_ptr<Graph>>(value) ||
         std::holds_alternative<std::vector<std::shared_ptr<Graph>>>(value);
}

void clear_value(AttributeProto& message) {
  message.clear_type();
  message.clear_f(), message.clear_i(), message.clear_s(), message.clear_t(), message.clear_g();
  message.clear_floats(), message.clear_ints(), message.clear_strings(), message.clear_tensors(), message.clear_graphs();
  message.clear_tp(), message.clear_type_protos(), message.clear_sparse_tensor(), message.clear_sparse_tensors();
  message.clear_ref_attr_name();
}

/// Whether the sealed message says already what the attribute says, tensors and graphs apart.
bool unchanged(const AttributeProto& message, const Attribute& attribute) {
  const int kind = kind_of(message);
  if (holds_messages(attribute.value)) {
    const int held = std::holds_alternative<SealedTensor>(attribute.value)             ? AttributeProto::TENSOR
                     : std::holds_alternative<std::shared_ptr<Graph>>(attribute.value) ? AttributeProto::GRAPH
                                                                                       : AttributeProto::GRAPHS;
    return kind == held || kind == AttributeProto::UNDEFINED;
  }
  return same(canonical({attribute.name, plain_value(message), message.ref_attr_name(), nullptr}), canonical(attribute));
}

}  // namespace

Attribute decode_attribute(AttributeProto& message, ExternalData& external, const ReadBody& read_body) {
  Attribute attribute{message.name(), take_value(message, external, read_body), message.ref_attr_name(), nullptr};
  if (!same(message, canonical(attribute))) attribute.sealed = std::make_shared<const std::string>(message.SerializeAsString());
  return attribute;
}

AttributeProto encode_attribute(const Attribute& attribute, const WriteBody& write_body) {
  auto message = attribute.sealed ? unseal<AttributeProto>(attribute.sealed) : canonical(attribute);
  if (message.name() != attribute.name) message.set_name(attribute.name);
  const bool keep = unchanged(message, attribute);
  if (keep && !holds_messages(attribute.value)) return message;
  if (!keep) {
    clear_value(message);
    if (!attribute.reference.empty()) message.set_ref_attr_name(attribute.reference);
  }
  const bool untyped = keep && !message.has_type();
  std::visit(Write{message, &write_body}, attribute.value);
  if (untyped) message.clear_type();
  return message;
}

}  // namespace qtool::onnxio
