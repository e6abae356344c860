#include "quantize/wrap_regions.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "graph/domains.h"

namespace qtool {
namespace {

using NodeSet = std::unordered_set<const Node*>;
using ValueMap = std::unordered_map<const Value*, Value*>;
using Region = std::vector<Node*>;  ///< in the graph's order

/// What a node reads, also inside its bodies.
std::vector<Value*> read_by(const Node& node) {
  std::vector<Value*> values;
  for (Value* value : node.inputs())
    if (value) values.push_back(value);
  for (Value* value : node.captures()) values.push_back(value);
  return values;
}

/// The node of `graph` that reads through this use: its own, or one whose bodies hold it.
const Node* reader_in(const Graph& graph, const Use& use) {
  const Node* node = use.node;
  while (node && &node->graph() != &graph) node = node->graph().owner();
  return node;
}

class UnionFind {
 public:
  const Node* root(const Node* node) {
    auto& parent = parents_.try_emplace(node, node).first->second;
    return parent == node ? node : parent = root(parent);
  }
  void join(const Node* a, const Node* b) { parents_[root(a)] = root(b); }

 private:
  std::unordered_map<const Node*, const Node*> parents_;
};

/// Nodes of `set` joined where one reads another's output and `level` of both is the same.
std::vector<Region> connected(const Graph& graph, const NodeSet& set, const std::unordered_map<const Node*, size_t>& level) {
  UnionFind joined;
  const auto at = [&](const Node* node) {
    const auto found = level.find(node);
    return found == level.end() ? size_t{0} : found->second;
  };
  std::vector<Region> regions;
  std::unordered_map<const Node*, size_t> index;
  for (Node& node : graph.nodes())
    for (const Value* value : set.count(&node) ? read_by(node) : std::vector<Value*>{})
      if (set.count(&value->producer()) && at(&value->producer()) == at(&node)) joined.join(&value->producer(), &node);
  for (Node& node : graph.nodes()) {
    if (!set.count(&node)) continue;
    const auto [found, fresh] = index.try_emplace(joined.root(&node), regions.size());
    if (fresh) regions.emplace_back();
    regions[found->second].push_back(&node);
  }
  return regions;
}

/// Pieces that no path leaves and enters again: cut by how often the longest way to a node has left the region.
std::vector<Region> convex(const Graph& graph, const Region& region) {
  if (region.size() == 1) return {region};
  const NodeSet inside(region.begin(), region.end());
  std::unordered_map<const Node*, size_t> left;
  for (const Node& node : graph.nodes()) {
    size_t most = 0;
    for (const Value* value : read_by(node)) {
      const Node* from = &value->producer();
      const auto found = left.find(from);
      if (found != left.end()) most = std::max(most, found->second + (inside.count(from) && !inside.count(&node) ? 1 : 0));
    }
    left[&node] = most;
  }
  return connected(graph, inside, left);
}

/// Captured values of a clone's bodies are those of the function.
void settle_bodies(Node& node, const ValueMap& inside) {
  for (const Node::Body& body : node.bodies())
    for (Node& each : body.graph->editable()) {
      for (size_t i = 0; i < each.input_count(); ++i)
        if (const auto found = inside.find(each.in(i)); each.in(i) && found != inside.end()) body.graph->set_input(each, i, found->second);
      settle_bodies(each, inside);
    }
}

struct Border {
  std::vector<Value*> inputs, outputs;
};

Border border_of(const Region& region) {
  const NodeSet inside(region.begin(), region.end());
  const Graph& graph = region[0]->graph();
  Border border;
  for (const Node* node : region) {
    for (Value* value : read_by(*node))
      if (!inside.count(&value->producer()) && std::find(border.inputs.begin(), border.inputs.end(), value) == border.inputs.end())
        border.inputs.push_back(value);
    for (const auto& value : node->outputs())
      if (value &&
          std::any_of(value->uses().begin(), value->uses().end(), [&](const Use& use) { return !inside.count(reader_in(graph, use)); }))
        border.outputs.push_back(value.get());
  }
  return border;
}

std::unique_ptr<Graph> body_of(const Region& region, const Border& border) {
  auto body = std::make_unique<Graph>();
  ValueMap inside;
  for (Value* value : border.inputs) inside[value] = body->add_placeholder(value->name(), {}).out();
  for (const Node* node : region) {
    std::vector<Value*> inputs;
    for (Value* value : node->inputs()) inputs.push_back(value ? inside.at(value) : nullptr);
    std::vector<std::string> outputs;
    for (const auto& value : node->outputs()) outputs.push_back(value ? value->name() : "");
    Node& made = body->clone(*node, inputs, outputs);
    settle_bodies(made, inside);
    for (size_t i = 0; i < node->output_count(); ++i)
      if (node->out(i)) inside[node->out(i)] = made.out(i);
  }
  std::vector<Value*> results;
  for (const Value* value : border.outputs) results.push_back(inside.at(value));
  body->set_outputs_of_graph(results);
  return body;
}

/// Versions of the domains used inside, as the model has them.
Opsets opsets_for(const Model& model, Graph& body) {
  std::unordered_set<std::string> used;
  for_each_graph(body, [&](Graph& graph) {
    for (const Node& node : graph.nodes())
      if (node.is_call()) used.insert(node.domain);
  });
  Opsets opsets;
  for (const auto& import : model.opsets)
    if (used.count(import.first == "ai.onnx" ? "" : import.first)) opsets.push_back(import);
  return opsets;
}

/// The last part of its path: what stands for a node without a name too.
std::string own_name(const Node& node) { return !node.name.empty() ? node.name : node.op + "_" + (node.out() ? node.out()->name() : ""); }

void call_in_place(Graph& graph, const Region& region, const Border& border, const std::string& function) {
  std::vector<std::string> names;
  for (Value* value : border.outputs) {
    names.push_back(value->name());
    graph.rename(*value, graph.fresh_name(value->name() + "_inside"));
  }
  Node& call = graph.add_call(NodeKind::call_module, kWrappedDomain, function, border.inputs, names, region.back());
  call.name = own_name(*region.front()) + (region.size() > 1 ? ".." + own_name(*region.back()) : "");
  for (size_t i = 0; i < border.outputs.size(); ++i) {
    call.out(i)->type = border.outputs[i]->type;
    graph.replace_uses(*border.outputs[i], *call.out(i));
  }
  for (auto node = region.rbegin(); node != region.rend(); ++node) graph.erase(**node);
}

void form(Model& model, Graph& graph, const Region& region, size_t index) {
  auto function = std::make_unique<Function>();
  function->domain = kWrappedDomain;
  function->name = "Wrapped_" + std::to_string(index);
  const Border border = border_of(region);
  function->body = body_of(region, border);
  function->opsets = opsets_for(model, *function->body);
  call_in_place(graph, region, border, function->name);
  model.functions.push_back(std::move(function));
}

void form_in(Model& model, Graph& graph, const std::function<bool(const Node&)>& wrapped, size_t& count) {
  NodeSet set;
  for (const Node& node : graph.nodes())
    if (node.is_call() && wrapped(node)) set.insert(&node);
  for (const Region& whole : connected(graph, set, {}))
    for (const Region& region : convex(graph, whole)) form(model, graph, region, count++);
  if (!set.empty()) graph.sort_topologically();
  for (Node& node : graph.nodes())
    for (const Node::Body& body : node.bodies()) form_in(model, *body.graph, wrapped, count);
}

}  // namespace

void form_wrapped_regions(Model& model, const std::function<bool(const Node&)>& wrapped) {
  size_t count = 0;
  form_in(model, *model.graph, wrapped, count);
  if (count == 0) return;
  model.set_opset(kWrappedDomain, 1);
  model.ir_version = std::max<int64_t>(model.ir_version, 8);
}

bool is_wrapped_call(const Node& node) { return node.kind() == NodeKind::call_module && node.domain == kWrappedDomain; }

}  // namespace qtool
