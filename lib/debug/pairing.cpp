#include "debug/pairing.h"

#include <algorithm>
#include <map>
#include <set>

#include "graph/observer.h"
#include "ops/op_def.h"

namespace qtool::debug {
namespace {

using ByName = std::unordered_map<std::string, const Node*>;

bool computes(const Node& node) { return node.is_call() && !is_observer(node); }

std::vector<const Node*> calls_of(const Model& model) {
  std::vector<const Node*> calls;
  for_each_graph(*model.graph, [&](Graph& graph) {
    for (const Node& node : graph.nodes())
      if (computes(node)) calls.push_back(&node);
  });
  return calls;
}

/// Shapes of the float constants a node reads.
std::vector<Shape> weight_shapes(const Node& node) {
  std::vector<Shape> shapes;
  for (const Value* value : node.inputs())
    if (const Tensor* tensor = value ? value->constant() : nullptr; tensor && tensor->dtype() == DType::float32)
      shapes.push_back(tensor->shape());
  return shapes;
}

class Pairer {
 public:
  Pairer(const Model& int8, const Model& flat) : int8_(calls_of(int8)), float_(calls_of(flat)) {
    for (const Node* node : float_) {
      for (const auto& output : node->outputs())
        if (output) by_output_.emplace(output->name(), node);
      if (!node->name.empty()) by_name_.emplace(node->name, node);
    }
  }

  Pairing run() {
    for (const Node* node : int8_) pair_by_output(*node);
    for (const Node* node : int8_) pair(*node, found(by_name_, node->name), pairing_.by_name);
    pair_by_position();
    for (const Node* node : int8_)
      if (!pairing_.nodes.count(node)) pairing_.int8_alone.push_back(node->path());
    for (const Node* node : float_)
      if (!taken_.count(node)) pairing_.float_alone.push_back(node->path());
    return std::move(pairing_);
  }

 private:
  static const Node* found(const ByName& names, const std::string& name) {
    const auto at = names.find(name);
    return at == names.end() ? nullptr : at->second;
  }

  bool pair(const Node& node, const Node* partner, size_t& count) {
    if (!partner || partner->op != node.op || pairing_.nodes.count(&node) || !taken_.insert(partner).second) return false;
    pairing_.nodes[&node] = partner;
    ++count;
    return true;
  }

  /// The node's outputs, and what an observer made of them.
  void pair_by_output(const Node& node) {
    for (const auto& output : node.outputs()) {
      if (!output) continue;
      for (const Use& use : output->uses())
        if (is_observer(*use.node) && try_names(node, use.node->out(0)->name())) return;
      if (try_names(node, output->name())) return;
    }
  }

  bool try_names(const Node& node, const std::string& name) {
    for (const std::string& each : float_names(name))
      if (pair(node, found(by_output_, each), pairing_.by_name)) return true;
    return false;
  }

  void pair_by_position() {
    std::map<std::string, std::vector<const Node*>> left;
    for (const Node* node : float_)
      if (!taken_.count(node)) left[node->op].push_back(node);
    std::map<std::string, size_t> at;
    for (const Node* node : int8_) {
      if (pairing_.nodes.count(node)) continue;
      const auto& candidates = left[node->op];
      for (size_t i = at[node->op]; i < candidates.size(); ++i) {
        if (weight_shapes(*candidates[i]) != weight_shapes(*node)) continue;
        pair(*node, candidates[i], pairing_.by_position);
        at[node->op] = i + 1;
        break;
      }
    }
  }

  std::vector<const Node*> int8_, float_;
  ByName by_output_, by_name_;
  std::set<const Node*> taken_;
  Pairing pairing_;
};

bool drop_ending(std::string& name, std::string_view ending) {
  if (name.size() <= ending.size() || !name.ends_with(ending)) return false;
  name.resize(name.size() - ending.size());
  return true;
}

}  // namespace

std::vector<std::string> float_names(const std::string& name) {
  constexpr std::string_view kBeginning = "dq_output_";
  if (name.starts_with(kBeginning)) {  // dq_output_NAME_1
    const std::string rest = name.substr(kBeginning.size());
    return {name, rest, rest.substr(0, rest.find_last_of('_'))};
  }
  constexpr std::string_view kEndings[] = {
      "_DequantizeLinear_Output", "_QuantizeLinear_Input", "_QuantizeLinear_Output", "_quantized", "_dequantized", "_raw", "_dq", "_q"};
  std::vector<std::string> names{name};
  for (std::string left = name;;) {
    const bool shorter =
        std::any_of(std::begin(kEndings), std::end(kEndings), [&](std::string_view ending) { return drop_ending(left, ending); });
    if (!shorter) return names;
    names.push_back(left);
  }
}

void FloatNames::add(const Model& flat) {
  for_each_graph(*flat.graph, [&](Graph& graph) {
    for (const Node& node : graph.nodes())
      for (const auto& output : node.outputs())
        if (output) names_.insert(output->name());
  });
}

std::string FloatNames::resolve(const std::vector<std::string>& names) const {
  for (const std::string& name : names)
    if (names_.count(name)) return name;
  for (const std::string& name : names)
    for (const std::string& each : float_names(name))
      if (names_.count(each)) return each;
  return names.at(0);
}

Pairing pair_nodes(const Model& int8, const Model& flat) { return Pairer(int8, flat).run(); }

}  // namespace qtool::debug
