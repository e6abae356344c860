#include "quantize/observers.h"

#include <cctype>

#include "pass/fuse.h"

namespace qtool {
namespace {

/// "moving_average_minmax" -> "MovingAverageMinmaxObserver".
std::string function_name(const std::string& observer) {
  std::string name;
  bool upper = true;
  for (const char c : observer) {
    if (c == '_') {
      upper = true;
      continue;
    }
    name += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    upper = false;
  }
  return name + "Observer";
}

void declare(Model& model, const std::string& name) {
  if (model.find_function(kObserverDomain, name)) return;
  auto function = std::make_unique<Function>();
  function->domain = kObserverDomain;
  function->name = name;
  function->attributes = {"tensor", "observer", "dtype", "qscheme", "quant_min", "quant_max"};
  function->opsets = {{"", model.opset()}};
  function->body = std::make_unique<Graph>();
  Value* x = function->body->add_placeholder("x", {}).out(0);
  function->body->set_outputs_of_graph({});
  function->body->set_outputs_of_graph({&function->body->call("Identity", {x}, "y")});
  model.functions.push_back(std::move(function));
}

/// An input that is an output as well has both names in public.
bool passes_through(const Value& value) { return value.producer().kind() == NodeKind::placeholder; }

/// A graph output must pass its observer and keep its name: the observed value takes it.
std::string give_name(Graph& graph, Value& value) {
  const std::string name = value.name();
  if (!value.is_graph_output() || passes_through(value)) return graph.fresh_name(name + "_observed");
  graph.rename(value, graph.fresh_name(name + "_raw"));
  return name;
}

void observe(Model& model, Value& value, const ObserverSpec& spec) {
  const std::string name = function_name(spec.observer), tensor = value.path(), label = value.name() + "_observer";
  declare(model, name);
  Graph& graph = value.producer().graph();
  const std::vector<Use> uses = value.uses();
  const std::string output = give_name(graph, value);
  Node& observer = graph.add_call(NodeKind::call_module, kObserverDomain, name, {&value}, {output}, &graph.place_after(value));
  observer.name = label;
  observer.out(0)->type = value.type;
  observer.set_attribute("tensor", tensor);
  observer.set_attribute("observer", spec.observer);
  observer.set_attribute("dtype", std::string(name_of(spec.dtype)));
  observer.set_attribute("qscheme", std::string(name_of(spec.qscheme)));
  observer.set_attribute("quant_min", spec.codes.lo);
  observer.set_attribute("quant_max", spec.codes.hi);
  for (const Use& use : uses)
    if (use.node->kind() != NodeKind::output || !passes_through(value)) graph.replace_use(use, *observer.out(0));
}

/// Takes an observer out; a graph output gets its name back.
void remove(Graph& graph, Node& observer) {
  Value& value = *observer.in(0);
  const bool public_name = observer.out(0)->is_graph_output();
  const std::string name = observer.out(0)->name();
  graph.replace_uses(*observer.out(0), value);
  graph.erase(observer);
  if (public_name) value.producer().graph().rename(value, name);
}

}  // namespace

void insert_observers(Model& model, const QuantPlan& plan) {
  for (Value* value : plan.order) {
    const TensorDecision& decision = plan.tensors.at(value);
    if (decision.kind == TensorDecision::Kind::observed) observe(model, *value, decision.spec);
  }
  if (!model.functions.empty()) {
    model.set_opset(kObserverDomain, 1);
    model.ir_version = std::max<int64_t>(model.ir_version, 8);
  }
}

bool observes(const Model& model) {
  bool found = false;
  for_each_graph(*model.graph, [&](Graph& graph) {
    for (const Node& node : graph.nodes()) found |= is_observer(node);
  });
  return found;
}

size_t strip_observers(Model& model) {
  size_t count = 0;
  for_each_graph(*model.graph, [&](Graph& graph) {
    for (Node& node : graph.editable()) {
      if (!is_observer(node)) continue;
      remove(graph, node);
      ++count;
    }
  });
  std::erase_if(model.functions, [](const auto& function) { return function->domain == kObserverDomain; });
  std::erase_if(model.opsets, [](const auto& entry) { return entry.first == kObserverDomain; });
  return count;
}

}  // namespace qtool
