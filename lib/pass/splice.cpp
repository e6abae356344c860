#include "pass/splice.h"

#include <algorithm>
#include <set>

namespace qtool {
namespace {

class Splicer {
 public:
  Splicer(Graph& target, Node& before, SpliceOptions options) : target_(target), before_(before), options_(std::move(options)) {}

  Spliced run(const Graph& body) {
    for (const Node& node : body.nodes()) {
      if (node.kind() == NodeKind::output) {
        for (Value* value : node.inputs()) result_.outputs.push_back(mapped(value));
      } else if (node.kind() == NodeKind::get_attr) {
        weight(node);
      } else if (node.is_call()) {
        call(node);
      }
    }
    return std::move(result_);
  }

 private:
  Value* mapped(Value* value) const {
    const auto found = options_.values.find(value);
    return found == options_.values.end() ? value : found->second;
  }

  std::string name_for(const std::string& original) const { return target_.fresh_name(options_.rename(original)); }

  void made(const Value& from, Value& to) {
    options_.values[&from] = &to;
    result_.wanted_names.emplace_back(&to, options_.rename(from.name()));
  }

  void weight(const Node& node) {
    Node& copy = target_.add_weight(name_for(node.out()->name()), node.weight->tensor);
    copy.weight = node.weight;
    copy.sealed = node.sealed;
    copy.out()->type = node.out()->type;
    made(*node.out(), *copy.out());
  }

  void call(const Node& node) {
    std::vector<Value*> inputs;
    for (Value* value : node.inputs()) inputs.push_back(mapped(value));
    std::vector<std::string> outputs;
    for (const auto& value : node.outputs()) {
      std::string name = value ? name_for(value->name()) : "";
      while (!name.empty() && std::count(outputs.begin(), outputs.end(), name)) name = target_.fresh_name(name + "_o");
      outputs.push_back(name);
    }
    Node& copy = target_.clone(node, inputs, outputs, &before_);
    if (!node.name.empty()) copy.name = options_.rename(node.name);
    settle(copy);
    for (size_t i = 0; i < node.output_count(); ++i)
      if (node.out(i)) made(*node.out(i), *copy.out(i));
    result_.nodes.push_back(&copy);
  }

  /// Attribute references and captured values, in bodies too.
  void settle(Node& node) {
    if (options_.attribute) resolve_references(node);
    for (const Node::Body& below : node.bodies())
      for (Node& inner : below.graph->editable()) {
        for (size_t i = 0; i < inner.input_count(); ++i)
          if (inner.in(i) && options_.values.count(inner.in(i))) below.graph->set_input(inner, i, mapped(inner.in(i)));
        settle(inner);
      }
  }

  void resolve_references(Node& node) {
    std::vector<Attribute> resolved;
    for (Attribute& attribute : node.attributes) {
      if (attribute.reference.empty()) {
        resolved.push_back(std::move(attribute));
      } else if (const Attribute* given = options_.attribute(attribute.reference)) {
        resolved.push_back({attribute.name, given->value, given->reference, given->sealed});
      }
    }
    node.attributes = std::move(resolved);
  }

  Graph& target_;
  Node& before_;
  SpliceOptions options_;
  Spliced result_;
};

}  // namespace

Spliced splice(const Graph& body, Graph& target, Node& before, SpliceOptions options) {
  return Splicer(target, before, std::move(options)).run(body);
}

void replace_call(Node& call, Spliced& spliced) {
  Graph& graph = call.graph();
  std::set<const Node*> own(spliced.nodes.begin(), spliced.nodes.end());
  std::set<Value*> named;
  std::vector<std::pair<Value*, std::string>> names;
  for (size_t i = 0; i < call.output_count(); ++i) {
    Value* old = call.out(i);
    Value* now = i < spliced.outputs.size() ? spliced.outputs[i] : nullptr;
    if (!old || (!now && old->unused())) continue;
    if (!now) throw bug("\"" + call.path() + "\": output " + old->name() + " has no value in the body");
    const bool takes_name = own.count(&now->producer()) && !named.count(now);
    if (!takes_name && old->is_graph_output()) now = &graph.call("Identity", {now}, graph.fresh_name(old->name()), &call);
    if (takes_name || old->is_graph_output()) {
      named.insert(now);
      names.emplace_back(now, old->name());
      now->type = old->type;
    }
    graph.replace_uses(*old, *now);
  }
  graph.erase(call);
  for (const auto& [value, name] : spliced.wanted_names)
    if (!named.count(value)) names.emplace_back(value, name);
  for (const auto& [value, name] : names)
    if (!graph.names().taken(name)) graph.rename(*value, name);
}

}  // namespace qtool
