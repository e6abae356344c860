#include "graph/node.h"

#include <algorithm>
#include <unordered_set>

#include "graph/graph.h"

namespace qtool {
namespace {

template <class T>
T read(const Node& node, std::string_view name, T fallback, const char* kind) {
  const Attribute* attribute = node.attribute(name);
  if (!attribute) return fallback;
  if (const T* value = std::get_if<T>(&attribute->value)) return *value;
  throw invalid_file("node \"" + node.path() + "\": attribute \"" + std::string(name) + "\" is not " + kind);
}

void add_captures_of(const Graph& graph, const std::unordered_set<const Graph*>& inside, std::unordered_set<const Value*>& seen,
                     std::vector<Value*>& found) {
  for (const Node& node : graph.nodes())
    for (Value* value : node.inputs())
      if (value && !inside.count(&value->producer().graph()) && seen.insert(value).second) found.push_back(value);
}

}  // namespace

std::string_view name_of(NodeKind kind) {
  switch (kind) {
    case NodeKind::placeholder:
      return "placeholder";
    case NodeKind::get_attr:
      return "get_attr";
    case NodeKind::call_function:
      return "call_function";
    case NodeKind::call_module:
      return "call_module";
    case NodeKind::output:
      return "output";
  }
  return "?";
}

std::string Node::target() const { return (domain.empty() ? "ai.onnx" : domain) + "." + op; }

bool Node::is(std::string_view operator_name) const { return kind_ == NodeKind::call_function && domain.empty() && op == operator_name; }

const Attribute* Node::attribute(std::string_view attribute_name) const {
  for (const Attribute& candidate : attributes)
    if (candidate.name == attribute_name) return &candidate;
  return nullptr;
}

void Node::set_attribute(std::string attribute_name, AttributeValue value) {
  for (Attribute& candidate : attributes)
    if (candidate.name == attribute_name) {
      candidate.value = std::move(value);
      return;
    }
  attributes.push_back({std::move(attribute_name), std::move(value), {}, nullptr});
}

void Node::remove_attribute(std::string_view attribute_name) {
  std::erase_if(attributes, [&](const Attribute& candidate) { return candidate.name == attribute_name; });
}

int64_t Node::attr_or(std::string_view attribute_name, int64_t fallback) const {
  return read<int64_t>(*this, attribute_name, fallback, "an integer");
}

float Node::attr_or(std::string_view attribute_name, float fallback) const {
  return read<float>(*this, attribute_name, fallback, "a float");
}

std::string Node::attr_or(std::string_view attribute_name, const char* fallback) const {
  return read<std::string>(*this, attribute_name, fallback, "a string");
}

std::vector<int64_t> Node::attr_or(std::string_view attribute_name, const std::vector<int64_t>& fallback) const {
  return read<std::vector<int64_t>>(*this, attribute_name, fallback, "a list of integers");
}

std::vector<float> Node::attr_or(std::string_view attribute_name, const std::vector<float>& fallback) const {
  return read<std::vector<float>>(*this, attribute_name, fallback, "a list of floats");
}

const Tensor* Node::tensor_attr(std::string_view attribute_name) const {
  const Attribute* found = attribute(attribute_name);
  const auto* tensor = found ? std::get_if<SealedTensor>(&found->value) : nullptr;
  return tensor && tensor->tensor.defined() ? &tensor->tensor : nullptr;
}

const std::string* Node::string_attr(std::string_view attribute_name) const {
  const Attribute* found = attribute(attribute_name);
  return found ? std::get_if<std::string>(&found->value) : nullptr;
}

std::vector<Node::Body> Node::bodies() const {
  std::vector<Body> found;
  for (const Attribute& candidate : attributes) {
    if (const auto* body = std::get_if<std::shared_ptr<Graph>>(&candidate.value)) found.push_back({candidate.name, body->get()});
    if (const auto* list = std::get_if<std::vector<std::shared_ptr<Graph>>>(&candidate.value))
      for (const auto& body : *list) found.push_back({candidate.name, body.get()});
  }
  return found;
}

std::vector<Value*> Node::captures() const {
  std::unordered_set<const Graph*> inside;
  std::vector<Graph*> graphs;
  for (const Body& body : bodies())
    for_each_graph(*body.graph, [&](Graph& graph) {
      inside.insert(&graph);
      graphs.push_back(&graph);
    });
  std::vector<Value*> found;
  std::unordered_set<const Value*> seen;
  for (const Graph* graph : graphs) add_captures_of(*graph, inside, seen, found);
  return found;
}

std::string Node::path() const {
  std::string own = name;
  if (own.empty()) {
    const Value* first = out(0) ? out(0) : in(0);
    own = (op.empty() ? std::string(name_of(kind_)) : op) + "_" + (first ? first->name() : "");
  }
  const Node* owner = graph_ ? graph_->owner() : nullptr;
  if (!owner) return own;
  std::string attribute_name;
  for (const Body& body : owner->bodies())
    if (body.graph == graph_) attribute_name = body.attribute;
  const std::string prefix = owner->path() + "/" + attribute_name;
  return own.starts_with("/") ? prefix + own : prefix + "/" + own;
}

}  // namespace qtool
