// Calls of local functions replaced by their bodies.
#include <set>

#include "graph/domains.h"
#include "pass/splice.h"
#include "pass/tidy.h"

namespace qtool {
namespace {

constexpr size_t kMaxNodes = 1'000'000;  ///< made by inlining: functions that call functions twice grow exponentially

/// Why the call cannot be inlined; empty: it can.
std::string refuse(const Model& model, const Function& function) {
  for (const auto& [domain, version] : function.opsets) {
    const int64_t here = model.opset(domain);
    if (here != 0 && here != version)
      return "function " + function.name + " needs opset " + std::to_string(version) + " of " + (domain.empty() ? "ai.onnx" : domain) +
             ", the model has " + std::to_string(here);
  }
  return {};
}

const Attribute* named(const std::vector<Attribute>& attributes, const std::string& name) {
  for (const Attribute& attribute : attributes)
    if (attribute.name == name) return &attribute;
  return nullptr;
}

/// Our own functions were made of nodes of this graph: those get their names back. Others are prefixed by their call.
bool is_ours(const std::string& domain) { return domain == kFusedDomain || domain == kObserverDomain || domain == kWrappedDomain; }

std::function<std::string(const std::string&)> renamer(const Node& call) {
  if (is_ours(call.domain)) return [](const std::string& name) { return name; };
  const std::string prefix = (call.name.empty() ? call.op + "_" + (call.out() ? call.out()->name() : "") : call.name) + "/";
  return [prefix](const std::string& name) { return prefix + name; };
}

/// Returns the nodes that stand for the call now.
std::vector<Node*> inline_call(const Function& function, Node& call) {
  SpliceOptions options;
  const auto placeholders = function.body->placeholders();
  for (size_t i = 0; i < placeholders.size(); ++i) options.values[placeholders[i]->out()] = call.in(i);
  options.rename = renamer(call);
  options.attribute = [&](const std::string& reference) -> const Attribute* {
    const Attribute* given = call.attribute(reference);
    return given ? given : named(function.attribute_defaults, reference);
  };
  Spliced spliced = splice(*function.body, call.graph(), call, options);
  replace_call(call, spliced);
  return spliced.nodes;
}

/// Throws Error(invalid_file) when functions call each other in a circle.
class CycleCheck {
 public:
  explicit CycleCheck(const Model& model) : model_(model) {
    for (const auto& function : model.functions) visit(*function);
  }

 private:
  void visit(const Function& function) {
    if (done_.count(&function)) return;
    if (!open_.insert(&function).second) throw invalid_file("function " + function.name + " calls itself");
    for_each_graph(*function.body, [&](Graph& graph) {
      for (Node& node : graph.nodes())
        if (node.kind() == NodeKind::call_module) visit(model_.function_of(node));
    });
    open_.erase(&function);
    done_.insert(&function);
  }

  const Model& model_;
  std::set<const Function*> open_, done_;
};

class Inliner {
 public:
  Inliner(Model& model, const std::function<bool(const Node&)>& keep) : model_(model), keep_(keep) {}

  PassReport run() {
    const CycleCheck acyclic(model_);
    graph(*model_.graph);
    for (Graph* body : bodies_of_kept_functions()) graph(*body);
    drop_uncalled();
    return std::move(report_);
  }

 private:
  void graph(Graph& graph) {
    std::vector<Node*> open;
    for (Node& node : graph.nodes()) open.push_back(&node);
    while (!open.empty()) {
      Node& node = *open.back();
      open.pop_back();
      for (const Node::Body& below : node.bodies()) this->graph(*below.graph);
      if (node.kind() == NodeKind::call_module && !keep_(node)) call(node, open);
    }
  }

  void call(Node& node, std::vector<Node*>& open) {
    const Function& function = model_.function_of(node);
    const std::string reason = refuse(model_, function);
    if (!reason.empty()) return report_.skipped(node, reason);
    made_ += function.body->node_count();
    if (made_ > kMaxNodes) throw invalid_file("functions grow beyond a million nodes where they are called");
    for (const auto& [domain, version] : function.opsets)
      if (model_.opset(domain) == 0) model_.set_opset(domain, version);
    report_.changed(node);
    inlined_.insert(&function);
    for (Node* made : inline_call(function, node)) open.push_back(made);
  }

  std::vector<Graph*> bodies_of_kept_functions() const {
    std::vector<Graph*> found;
    for (const auto& function : model_.functions)
      if (!inlined_.count(function.get())) found.push_back(function->body.get());
    return found;
  }

  void drop_uncalled() {
    std::set<const Function*> called;
    auto note = [&](Graph& graph) {
      for (Node& node : graph.nodes())
        if (node.kind() == NodeKind::call_module) called.insert(&model_.function_of(node));
    };
    for_each_graph(*model_.graph, note);
    for (Graph* body : bodies_of_kept_functions()) for_each_graph(*body, note);
    std::erase_if(model_.functions, [&](const auto& function) { return inlined_.count(function.get()) && !called.count(function.get()); });
    forget_domain(kFusedDomain);
    forget_domain(kObserverDomain);
    forget_domain(kWrappedDomain);
  }

  /// The last function of a domain of ours takes its import, and what the model says of it, away.
  void forget_domain(const std::string& domain) {
    for (const auto& function : model_.functions)
      if (function->domain == domain) return;
    std::erase_if(model_.opsets, [&](const auto& import) { return import.first == domain; });
    std::erase_if(model_.metadata, [&](const auto& entry) { return entry.first.starts_with(domain + "."); });
  }

  Model& model_;
  const std::function<bool(const Node&)>& keep_;
  PassReport report_{"inline_functions"};
  std::set<const Function*> inlined_;
  size_t made_ = 0;
};

}  // namespace

PassReport inline_functions(Model& model, const std::function<bool(const Node&)>& keep) { return Inliner(model, keep).run(); }

}  // namespace qtool
