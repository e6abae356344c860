// Deep copies: of a node, of a graph, of a model.

#include <unordered_map>

#include "graph/model.h"

namespace qtool {
namespace {

using ValueMap = std::unordered_map<const Value*, Value*>;

AttributeValue copy_value(const AttributeValue& value, Node& target, const std::function<Value*(Value*)>& map) {
  if (const auto* body = std::get_if<std::shared_ptr<Graph>>(&value)) return std::shared_ptr<Graph>((*body)->copy(&target, map));
  if (const auto* bodies = std::get_if<std::vector<std::shared_ptr<Graph>>>(&value)) {
    std::vector<std::shared_ptr<Graph>> copies;
    for (const auto& body : *bodies) copies.push_back(body->copy(&target, map));
    return copies;
  }
  return value;
}

std::vector<std::string> output_names(const Node& node) {
  std::vector<std::string> names;
  for (const auto& value : node.outputs()) names.push_back(value ? value->name() : "");
  return names;
}

void copy_types(const Node& from, Node& to) {
  for (size_t i = 0; i < from.output_count(); ++i)
    if (from.out(i) && to.out(i)) to.out(i)->type = from.out(i)->type;
}

}  // namespace

Node& Graph::clone(const Node& node, const std::vector<Value*>& inputs, const std::vector<std::string>& outputs, Node* before) {
  Node& made = add_call(node.kind(), node.domain, node.op, inputs, outputs, before);
  made.name = node.name;
  made.overload = node.overload;
  made.sealed = node.sealed;
  copy_bodies(made, node, [](Value* value) { return value; });
  copy_types(node, made);
  return made;
}

void Graph::copy_bodies(Node& target, const Node& source, const std::function<Value*(Value*)>& map) {
  for (const Attribute& attribute : source.attributes)
    target.attributes.push_back({attribute.name, copy_value(attribute.value, target, map), attribute.reference, attribute.sealed});
}

std::unique_ptr<Graph> Graph::copy(Node* owner, const std::function<Value*(Value*)>& outer) const {
  auto result = owner ? std::make_unique<Graph>(*owner) : std::make_unique<Graph>();
  ValueMap map;
  const std::function<Value*(Value*)> resolve = [&](Value* value) -> Value* {
    if (!value) return nullptr;
    const auto found = map.find(value);
    return found != map.end() ? found->second : outer(value);
  };
  result->name = name;
  result->sealed = sealed;
  result->output_sealed = output_sealed;
  for (const Node& node : nodes()) {
    std::vector<Value*> inputs;
    for (Value* value : node.inputs()) inputs.push_back(resolve(value));
    if (node.kind() == NodeKind::output) {
      result->set_outputs_of_graph(inputs);
      result->output().name = node.name;
      continue;
    }
    Node& made = result->add_call(node.kind(), node.domain, node.op, inputs, output_names(node));
    made.name = node.name;
    made.overload = node.overload;
    made.weight = node.weight;
    made.sealed = node.sealed;
    if (node.kind() == NodeKind::placeholder) result->last_input_ = &made;
    result->copy_bodies(made, node, resolve);
    copy_types(node, made);
    for (size_t i = 0; i < node.output_count(); ++i)
      if (node.out(i)) map[node.out(i)] = made.out(i);
  }
  return result;
}

Model copy(const Model& model) {
  Model result;
  const auto identity = [](Value* value) { return value; };
  result.graph = model.graph->copy(nullptr, identity);
  for (const auto& function : model.functions) {
    auto made = std::make_unique<Function>();
    made->domain = function->domain;
    made->name = function->name;
    made->overload = function->overload;
    made->body = function->body->copy(nullptr, identity);
    made->attributes = function->attributes;
    made->attribute_defaults = function->attribute_defaults;
    made->opsets = function->opsets;
    made->sealed = function->sealed;
    result.functions.push_back(std::move(made));
  }
  result.opsets = model.opsets;
  result.ir_version = model.ir_version;
  result.metadata = model.metadata;
  result.sealed = model.sealed;
  result.base_dir = model.base_dir;
  return result;
}

}  // namespace qtool
