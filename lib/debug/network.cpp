#include "debug/network.h"

#include <algorithm>
#include <limits>
#include <map>

#include "debug/useful.h"
#include "exec/canonicalize.h"
#include "graph/observer.h"
#include "ops/op_def.h"

namespace qtool::debug {
namespace {

LowerResult decline(const Model&, const Cluster&) { return Declined{"the reference engine"}; }

/// The engine's own, with eval for everything where it lowers nothing.
const Backend& backend_named(const std::string& engine) {
  static const Backend reference{"reference", decline, nullptr, nullptr};
  if (engine == "auto") {
    for (const Backend* backend : all_backends())
      if (backend->available()) return backend->lower ? *backend : reference;
  }
  const Backend* found = find_backend(engine);
  if (!found) throw usage_error("unknown engine \"" + engine + "\"");
  if (!found->available()) throw unsupported("engine \"" + engine + "\" cannot run on this machine");
  return found->lower ? *found : reference;
}

bool alike(const PlanGraph& a, const PlanGraph& b) {
  return std::equal(a.steps.begin(), a.steps.end(), b.steps.begin(), b.steps.end(), [](const auto& x, const auto& y) {
    return x->kind == y->kind && x->cluster.root->op == y->cluster.root->op && x->inputs == y->inputs && x->outputs == y->outputs;
  });
}

/// Builds the list of nodes from the steps.
class Lister {
 public:
  Lister(const Network& network, const FloatSide& side) : network_(network) {
    names_.add(side.flat);
    for_each_graph(*side.fused.graph, [&](Graph& graph) {
      for (const Node& node : graph.nodes()) {
        if (!node.is_call()) continue;
        for (const auto& output : node.outputs())
          if (output) calls_.emplace(output->name(), node.path());
      }
    });
    const auto& constants = network.skeleton().constants;
    for (size_t i = 0; i < constants.size(); ++i) readers_[constants[i].node].push_back(i);
    for (const auto& [value, slot] : network.rounded().slots) tensors_[slot] = names_.resolve({value->name()});
    for (const auto& [value, slot] : network.rounded().slots) dtype_[slot] = value->type.dtype;
  }

  void run(std::vector<NetworkNode>& nodes, std::vector<int>& node_at) {
    const auto& steps = network_.rounded().steps;
    node_at.assign(steps.size(), -1);
    for (size_t i = 0; i < steps.size(); ++i) {
      const PlanStep& step = *steps[i];
      if (step.kind == PlanStep::Kind::skip) continue;
      node_at[i] = step.kind == PlanStep::Kind::observe ? site(step, i, nodes) : operation(step, i, nodes);
    }
    for (NetworkNode& node : nodes) node.inherits = inherits(node);
  }

 private:
  int operation(const PlanStep& step, size_t i, std::vector<NetworkNode>& nodes) {
    NetworkNode node;
    node.step = i;
    node.op = step.cluster.root->op;
    node.name = node.int8_name = step.cluster.name();
    for (const int slot : step.inputs) add(node.inputs, tensors_[slot]);
    for (const Source& source : step.arguments)
      if (source.slot >= 0) add(node.inputs, tensors_[source.slot]);
    for (const int slot : step.outputs)
      if (slot >= 0) node.outputs.push_back(tensors_[slot]);
    for (const Node* each : step.cluster.nodes) take_constants(node, each->path(), step.kind == PlanStep::Kind::control);
    take_name(node);
    const int index = static_cast<int>(nodes.size());
    for (const int slot : step.outputs)
      if (slot >= 0) maker_[slot] = index;
    nodes.push_back(std::move(node));
    return index;
  }

  /// Those the operator reads; of If, Loop and Scan also those that its bodies read.
  void take_constants(NetworkNode& node, const std::string& path, bool bodies) const {
    for (const auto& [reader, constants] : readers_)
      if (reader == path || (bodies && reader.starts_with(path + "/")))
        node.constants.insert(node.constants.end(), constants.begin(), constants.end());
  }

  static void add(std::vector<std::string>& names, const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }

  void take_name(NetworkNode& node) const {
    if (node.outputs.empty()) return;
    if (const auto call = calls_.find(node.outputs[0]); call != calls_.end()) node.name = call->second;
  }

  /// The first site behind an operator is part of it; any other is a node.
  int site(const PlanStep& step, size_t i, std::vector<NetworkNode>& nodes) {
    const int number = network_.site_number(*step.cluster.root);
    const std::string& tensor = network_.skeleton().sites[static_cast<size_t>(number)].tensor;
    const auto maker = maker_.find(step.inputs[0]);
    if (step.outputs[0] >= 0) tensors_[step.outputs[0]] = tensor;
    if (maker != maker_.end() && nodes[static_cast<size_t>(maker->second)].site < 0) {
      NetworkNode& node = nodes[static_cast<size_t>(maker->second)];
      node.site = number;
      node.site_step = i;
      if (node.outputs.size() == 1) node.outputs[0] = tensor;
      take_name(node);
      return maker->second;
    }
    NetworkNode node;
    node.step = node.site_step = i;
    node.site = number;
    node.has_operator = false;
    node.op = maker == maker_.end() ? "Input" : "QuantizeLinear";
    node.name = tensor;
    node.inputs = {tensors_[step.inputs[0]]};
    node.outputs = {tensor};
    nodes.push_back(std::move(node));
    return static_cast<int>(nodes.size()) - 1;
  }

  const QuantParams* params_of_input(const PlanStep& step, size_t input) const {
    const auto& steps = network_.rounded().steps;
    for (const auto& each : steps)
      if (each->kind == PlanStep::Kind::observe && each->outputs[0] == step.inputs[input])
        return &network_.site_of(*each->cluster.root).params;
    return nullptr;
  }

  bool inherits(const NetworkNode& node) const {
    if (node.site < 0 || !node.has_operator || !node.constants.empty()) return false;
    const PlanStep& step = *network_.rounded().steps[node.step];
    const OpDef* op = find_op(network_.model(), *step.cluster.root);
    if (!op || (op->quant.kind != QuantTraits::Kind::pass_through && op->quant.kind != QuantTraits::Kind::same_scale)) return false;
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      if (dtype_.at(step.inputs[i]) != DType::float32) continue;
      const QuantParams* params = params_of_input(step, i);
      if (!params || !(*params == network_.skeleton().sites[static_cast<size_t>(node.site)].params)) return false;
    }
    return !step.inputs.empty();
  }

  const Network& network_;
  FloatNames names_;
  std::map<std::string, std::string> calls_;            ///< output tensor -> path of the fused call
  std::map<std::string, std::vector<size_t>> readers_;  ///< node of the skeleton -> constants
  std::map<int, std::string> tensors_;                  ///< slot -> float name
  std::map<int, DType> dtype_;
  std::map<int, int> maker_;  ///< slot -> node
};

}  // namespace

Network::Network(Skeleton skeleton, const FloatSide& side, const std::string& engine)
    : skeleton_(std::move(skeleton)),
      exact_model_(canonical_for_execution(skeleton_.exact)),
      rounded_model_(canonical_for_execution(skeleton_.rounded)) {
  const Backend& backend = backend_named(engine);
  exact_ = build_plan_graph(exact_model_, *exact_model_.graph, backend, exact_index_);
  rounded_ = build_plan_graph(rounded_model_, *rounded_model_.graph, backend, rounded_index_);
  if (!alike(*exact_, *rounded_)) throw unsupported("float and int8 weights lead to different operators; nothing can be compared");
  Lister(*this, side).run(nodes_, node_at_);
  find_useful();
}

void Network::find_useful() {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  useful_.assign(skeleton_.sites.size(), {-kInf, kInf});
  const std::vector<Range> by_slot = useful_ranges(*rounded_, rounded_model_);
  for (const auto& step : rounded_->steps)
    if (step->kind == PlanStep::Kind::observe && step->outputs[0] >= 0)
      useful_[static_cast<size_t>(site_number(*step->cluster.root))] = by_slot[static_cast<size_t>(step->outputs[0])];
}

int Network::site_number(const Node& observer) const { return std::stoi(observed_tensor(observer)); }
const Site& Network::site_of(const Node& observer) const { return skeleton_.sites.at(static_cast<size_t>(site_number(observer))); }

}  // namespace qtool::debug
