#include <algorithm>
#include <unordered_set>

#include "graph/model.h"

namespace qtool {
namespace {

/// Checks one graph; `visible`: values of enclosing graphs that may be used here.
class Linter {
 public:
  Linter(const Model& model, const std::string& when) : model_(model), when_(when) {}

  void graph(const Graph& graph, std::unordered_set<const Value*> visible) {
    bool ended = false, body_begun = false;
    for (const Node& node : graph.nodes()) {
      require(!ended, node, "stands after the output node");
      require(&node.graph() == &graph, node, "belongs to another graph");
      const bool head = node.kind() == NodeKind::placeholder;
      require(!(head && body_begun), node, "is a placeholder behind other nodes");
      body_begun = body_begun || !head;
      inputs(node, visible);
      call(node);
      for (const Node::Body& body : node.bodies()) {
        require(body.graph->owner() == &node, node, "holds a body that names another owner");
        this->graph(*body.graph, visible);
      }
      outputs(graph, node, visible);
      ended = node.kind() == NodeKind::output;
    }
    if (!ended) throw bug(when_ + ": graph \"" + graph.name + "\" has no output node at its end");
  }

 private:
  void require(bool holds, const Node& node, const std::string& what) const {
    if (!holds) throw bug(when_ + ": node \"" + node.path() + "\" " + what);
  }

  void inputs(const Node& node, const std::unordered_set<const Value*>& visible) const {
    for (size_t i = 0; i < node.input_count(); ++i) {
      const Value* value = node.in(i);
      if (!value) continue;
      require(visible.count(value) != 0, node, "uses a value that is not defined before it (input " + std::to_string(i) + ")");
      const Use use{const_cast<Node*>(&node), i};
      require(std::count(value->uses().begin(), value->uses().end(), use) == 1, node, "is not among the uses of " + value->name());
    }
  }

  void outputs(const Graph& graph, const Node& node, std::unordered_set<const Value*>& visible) const {
    for (size_t i = 0; i < node.output_count(); ++i) {
      const Value* value = node.out(i);
      if (!value) continue;
      require(graph.find(value->name()) == value, node, "makes \"" + value->name() + "\", which the graph finds elsewhere");
      require(&value->producer() == &node && value->index() == i, node, "makes a value that names another producer");
      for (const Use& use : value->uses())
        require(use.node->in(use.input) == value, node, "makes \"" + value->name() + "\" with a stale use");
      visible.insert(value);
    }
  }

  void call(const Node& node) const {
    if (node.kind() != NodeKind::call_module) return;
    require(model_.find_function(node.domain, node.op, node.overload) != nullptr, node, "calls a function the model lacks");
    require(node.input_count() <= model_.function_of(node).body->placeholders().size(), node, "gives its function too many inputs");
  }

  const Model& model_;
  const std::string& when_;
};

}  // namespace

void lint(const Model& model, const std::string& when) {
  Linter linter(model, when);
  linter.graph(*model.graph, {});
  for (const auto& function : model.functions) linter.graph(*function->body, {});
}

}  // namespace qtool
