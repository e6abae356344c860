#include "quantize/wrap_view.h"

#include <algorithm>
#include <map>
#include <sstream>
#include <unordered_map>
#include <unordered_set>

#include "graph/observer.h"
#include "quantize/prepare.h"
#include "quantize/wrap.h"

namespace qtool {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    if (!line.empty()) lines.push_back(line);
  return lines;
}

/// What a node reads, also inside its bodies.
std::vector<Value*> read_by(const Node& node) {
  std::vector<Value*> values;
  for (Value* value : node.inputs())
    if (value) values.push_back(value);
  for (Value* value : node.captures()) values.push_back(value);
  return values;
}

using Region = std::vector<Node*>;

/// Wrapped nodes of one graph that read each other's outputs, in order.
std::vector<Region> regions_of(Graph& graph, const std::function<bool(const Node&)>& wrapped) {
  std::unordered_map<const Node*, size_t> region;
  std::vector<Region> regions;
  for (Node& node : graph.nodes()) {
    if (!node.is_call() || is_observer(node) || !wrapped(node)) continue;
    size_t own = regions.size();
    regions.push_back({&node});
    region[&node] = own;
    for (const Value* value : read_by(node)) {
      const auto found = region.find(&value->producer());
      if (found == region.end() || found->second == own) continue;
      const size_t from = std::max(own, found->second), to = std::min(own, found->second);
      for (Node* moved : regions[from]) region[moved] = to;
      regions[to].insert(regions[to].end(), regions[from].begin(), regions[from].end());
      regions[from].clear();
      own = to;
    }
  }
  std::erase_if(regions, [](const Region& each) { return each.empty(); });
  return regions;
}

void collapse(Graph& graph, const Region& region, const std::string& op) {
  const std::unordered_set<const Node*> inside(region.begin(), region.end());
  std::vector<Value*> inputs, outputs;
  Node* last = region[0];
  for (Node& node : graph.nodes()) {
    if (!inside.count(&node)) continue;
    last = &node;
    for (Value* value : read_by(node))
      if (!inside.count(&value->producer()) && std::find(inputs.begin(), inputs.end(), value) == inputs.end()) inputs.push_back(value);
    for (const auto& value : node.outputs())
      if (value && std::any_of(value->uses().begin(), value->uses().end(), [&](const Use& use) { return !inside.count(use.node); }))
        outputs.push_back(value.get());
  }
  std::vector<std::string> names;
  for (Value* value : outputs) {
    names.push_back(value->name());
    graph.rename(*value, graph.fresh_name(value->name() + "_inside"));
  }
  Node& call = graph.add_call(NodeKind::call_module, "qtool", op, inputs, names, last);
  call.name = op;
  for (size_t i = 0; i < outputs.size(); ++i) {
    call.out(i)->type = outputs[i]->type;
    graph.replace_uses(*outputs[i], *call.out(i));
  }
  std::vector<Node*> gone;
  for (Node& node : graph.nodes())
    if (inside.count(&node)) gone.push_back(&node);
  for (auto node = gone.rbegin(); node != gone.rend(); ++node) graph.erase(**node);
}

void collapse_all(Graph& graph, const std::function<bool(const Node&)>& wrapped, size_t& count) {
  for (const Region& region : regions_of(graph, wrapped)) collapse(graph, region, "Wrapped_" + std::to_string(count++));
  for (Node& node : graph.nodes())
    for (const Node::Body& body : node.bodies()) collapse_all(*body.graph, wrapped, count);
}

}  // namespace

Model with_opaque_regions(const Model& model) {
  Model result = copy(model);
  const std::string* expressions = model.find_metadata(kWrapKey);
  if (!expressions) return result;
  Diagnostics ignored;
  const auto allowed = allowed_outside(result, lines_of(*expressions), ignored);
  size_t count = 0;
  collapse_all(
      *result.graph, [&](const Node& node) { return !allowed(node); }, count);
  return result;
}

}  // namespace qtool
