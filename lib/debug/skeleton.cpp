#include "debug/skeleton.h"

#include <algorithm>

#include "debug/loss.h"
#include "exec/canonicalize.h"
#include "exec/cluster/quantized.h"
#include "graph/domains.h"
#include "graph/observer.h"
#include "ops/op_def.h"
#include "pass/fuse.h"

namespace qtool::debug {
namespace {

constexpr const char* kSiteFunction = "Site";

/// The local function a site calls: Identity, as any observer.
void declare_site(Model& model) {
  auto function = std::make_unique<Function>();
  function->domain = kObserverDomain;
  function->name = kSiteFunction;
  function->attributes = {"tensor"};
  function->opsets = {{"", model.opset()}};
  function->body = std::make_unique<Graph>();
  Value* x = function->body->add_placeholder("x", {}).out(0);
  function->body->set_outputs_of_graph({});
  function->body->set_outputs_of_graph({&function->body->call("Identity", {x}, "y")});
  model.functions.push_back(std::move(function));
  model.set_opset(kObserverDomain, 1);
  model.ir_version = std::max<int64_t>(model.ir_version, 8);
}

class Builder {
 public:
  Builder(const Model& int8, FloatNames names) : model_(inlined_for_execution(int8)), names_(std::move(names)) { declare_site(model_); }

  Skeleton run() {
    std::vector<Node*> quantizers;
    for_each_graph(*model_.graph, [&](Graph& graph) {
      for (Node& node : graph.nodes())
        if (is_quantize(node)) quantizers.push_back(&node);
    });
    for (Node* node : quantizers) replace_by_site(node->graph(), *node);
    for_each_graph(*model_.graph, [&](Graph& graph) {
      for (Node& node : graph.editable())
        if (is_dequantize(node)) replace_by_weight(graph, node);
    });
    drop_unused();
    skeleton_.rounded = std::move(model_);
    return std::move(skeleton_);
  }

 private:
  static std::vector<Node*> dequantizers(const Value& codes, const QuantParams& params) {
    std::vector<Node*> found;
    for (const Use& use : codes.uses())
      if (use.input == 0 && is_dequantize(*use.node) && params_of(*use.node) == params) found.push_back(use.node);
    return found;
  }

  std::string tensor_name(const Node& quantize, const std::vector<Node*>& dequantizers) const {
    std::vector<std::string> names;
    for (const Node* node : dequantizers) names.push_back(node->out(0)->name());
    names.push_back(quantize.in(0)->name());
    return names_.resolve(names);
  }

  void replace_by_site(Graph& graph, Node& quantize) {
    const auto params = params_of(quantize);
    if (!params || !quantize.in(0) || quantize.in(0)->constant()) return;
    const std::vector<Node*> readers = dequantizers(*quantize.out(0), *params);
    if (readers.empty()) return;
    const std::string tensor = tensor_name(quantize, readers), name = readers[0]->out(0)->name();
    Value& rounded = site(graph, quantize, std::to_string(skeleton_.sites.size()));
    rounded.type = {DType::float32, quantize.in(0)->type.dims};
    skeleton_.sites.push_back({tensor, *params});
    for (Node* reader : readers) {
      reader->graph().replace_uses(*reader->out(0), rounded);
      reader->graph().erase(*reader);
    }
    if (!rounded.is_graph_output() || graph.find(name)) return;
    graph.rename(rounded, name);
  }

  Value& site(Graph& graph, Node& quantize, const std::string& number) {
    const std::string output = graph.fresh_name(quantize.in(0)->name() + "_site");
    Node& node = graph.add_call(NodeKind::call_module, kObserverDomain, kSiteFunction, {quantize.in(0)}, {output}, &quantize);
    node.name = output;
    node.set_attribute("tensor", number);
    return *node.out(0);
  }

  /// A DQ of constant codes becomes the constant; of a Q of a constant too.
  void replace_by_weight(Graph& graph, Node& node) {
    QuantizedConstant constant;
    const auto codes = constant_codes(node);
    if (!codes || !node.out(0) || node.out(0)->unused()) return;
    constant.codes = *codes;
    constant.params = params_of(node);
    constant.dequantized = evaluate(node, *codes);
    const Use use = node.out(0)->uses()[0];
    constant.node = use.node->path();
    constant.input = use.input;
    constant.name = names_.resolve({node.out(0)->name()});
    Value& weight = *model_.graph->add_weight(model_.graph->fresh_name(node.out(0)->name() + "_real"), constant.dequantized).out(0);
    constant.initializer = weight.name();
    graph.replace_uses(*node.out(0), weight);
    graph.erase(node);
    skeleton_.constants.push_back(std::move(constant));
  }

  std::optional<Tensor> constant_codes(const Node& dequantize) const {
    const Value* codes = dequantize.in(0);
    for (size_t i = 1; i < dequantize.input_count(); ++i)
      if (dequantize.in(i) && !dequantize.in(i)->constant()) return std::nullopt;
    if (!codes) return std::nullopt;
    if (codes->constant()) return *codes->constant();
    const Node& maker = codes->producer();
    if (!is_quantize(maker) || !maker.in(0)->constant() || !params_of(maker)) return std::nullopt;
    return evaluate(maker, *maker.in(0)->constant());
  }

  Tensor evaluate(const Node& node, const Tensor& first) const {
    std::vector<Tensor> in{first}, out(1);
    for (size_t i = 1; i < node.input_count(); ++i) in.push_back(node.in(i) ? *node.in(i)->constant() : Tensor());
    const OpDef* op = find_op(model_, node);
    if (!op) throw unsupported("node \"" + node.path() + "\" cannot be executed");
    op->eval(node, in, out);
    return out[0];
  }

  void drop_unused() {
    for_each_graph(*model_.graph, [](Graph& graph) {
      for (Node& node : graph.editable())
        if (is_quantize(node) && node.out(0)->unused()) graph.erase(node);
    });
    for_each_graph(*model_.graph, [](Graph& graph) {
      for (Node& node : graph.editable())
        if (node.kind() == NodeKind::get_attr && node.out(0)->unused()) graph.erase(node);
    });
  }

  Model model_;
  FloatNames names_;
  Skeleton skeleton_;
};

/// Relu and Clip that INT8 lacks because the lowest and the highest code behind them do the same.
class Absorbed {
 public:
  explicit Absorbed(Skeleton& skeleton) : skeleton_(skeleton) {}

  void put_back() {
    std::vector<Node*> sites;
    for_each_graph(*skeleton_.rounded.graph, [&](Graph& graph) {
      for (Node& node : graph.nodes())
        if (is_observer(node)) sites.push_back(&node);
    });
    for (Node* site : sites)
      if (const Node* activation = absorbed_in_front_of(*site)) insert(*site, *activation);
  }

 private:
  const Node* absorbed_in_front_of(const Node& site) const {
    const std::string& tensor = skeleton_.sites[std::stoul(observed_tensor(site))].tensor;
    const auto partner = skeleton_.pairing.nodes.find(&site.in(0)->producer());
    if (partner == skeleton_.pairing.nodes.end() || partner->second->output_count() == 0) return nullptr;
    for (const Use& use : partner->second->out(0)->uses())
      if ((use.node->is("Relu") || use.node->is("Clip")) && use.input == 0 && use.node->out(0)->name() == tensor) return use.node;
    return nullptr;
  }

  void insert(Node& site, const Node& activation) {
    Graph& graph = site.graph();
    Value& value = *site.in(0);
    std::vector<Value*> inputs{&value};
    for (size_t i = 1; i < activation.input_count(); ++i) inputs.push_back(constant_like(activation.in(i)));
    Node& node = graph.clone(activation, inputs, {graph.fresh_name(value.name() + "_activated")}, &site);
    graph.replace_uses(value, *node.out(0), &node);
    skeleton_.pairing.nodes[&node] = &activation;
    std::erase(skeleton_.pairing.float_alone, activation.path());
  }

  Value* constant_like(const Value* value) const {
    if (!value || !value->constant()) return nullptr;
    Graph& graph = *skeleton_.rounded.graph;
    return graph.add_weight(graph.fresh_name(value->name()), *value->constant()).out(0);
  }

  Skeleton& skeleton_;
};

const Tensor* float_constant(const Node& node, size_t i) {
  const Tensor* tensor = node.in(i) ? node.in(i)->constant() : nullptr;
  return tensor && tensor->dtype() == DType::float32 ? tensor : nullptr;
}

double noise_between(const Tensor& real, const Tensor& found) {
  LossSum sum;
  sum.add(real.floats().data(), found.floats().data(), real.floats().size());
  return sum.noise();
}

/// Constants of a pair of nodes that stand in the same place with the same shape; none where one of them cannot be the other.
struct CommonConstants {
  std::vector<size_t> inputs;
  double noise = 0;  ///< the largest; a constant without a counterpart counts 1
};

CommonConstants common_constants(const Node& node, const Node& partner) {
  CommonConstants common;
  for (size_t i = 0; i < node.input_count(); ++i) {
    const Tensor *own = float_constant(node, i), *other = float_constant(partner, i);
    if (!own) continue;
    const double noise = other && own->shape() == other->shape() ? noise_between(*other, *own) : 1;
    if (own->rank() >= 2 && noise >= 1) return {{}, noise};
    common.noise = std::max(common.noise, noise);
    if (other && own->shape() == other->shape()) common.inputs.push_back(i);
  }
  return common;
}

/// Every node's partner from the way of fusing whose constants are nearest to its own; the first way for most nodes names the rest.
size_t pair_with_nearest(Skeleton& skeleton, const std::vector<FloatSide>& sides) {
  std::vector<Pairing> pairings;
  for (const FloatSide& side : sides) pairings.push_back(pair_nodes(skeleton.rounded, side.flat));
  std::vector<size_t> chosen(sides.size());
  std::unordered_map<const Node*, std::pair<const Node*, double>> best;
  std::unordered_map<const Node*, size_t> side_of;
  for (size_t k = 0; k < sides.size(); ++k)
    for (const auto& [node, partner] : pairings[k].nodes) {
      const double noise = common_constants(*node, *partner).noise;
      const auto [at, fresh] = best.try_emplace(node, partner, noise);
      if (!fresh && noise >= at->second.second) continue;
      at->second = {partner, noise};
      side_of[node] = k;
    }
  for (const auto& [node, k] : side_of) ++chosen[k];
  const auto most = static_cast<size_t>(std::max_element(chosen.begin(), chosen.end()) - chosen.begin());
  skeleton.pairing = std::move(pairings[most]);
  for (const auto& [node, partner] : best) skeleton.pairing.nodes[node] = partner.first;
  return most;
}

/// Initializer of the skeleton -> FLOAT's constant.
std::unordered_map<std::string, const Value*> float_constants(const Pairing& pairing) {
  std::unordered_map<std::string, const Value*> found;
  for (const auto& [node, partner] : pairing.nodes)
    for (const size_t i : common_constants(*node, *partner).inputs) found.emplace(node->in(i)->name(), partner->in(i));
  return found;
}

void take_float_constants(Skeleton& skeleton) {
  const auto constants = float_constants(skeleton.pairing);
  for_each_graph(*skeleton.exact.graph, [&](Graph& graph) {
    for (Node& node : graph.editable())
      if (node.kind() == NodeKind::get_attr)
        if (const auto at = constants.find(node.out(0)->name()); at != constants.end())
          node.weight = SealedTensor{*at->second->constant(), {}};
  });
  for (QuantizedConstant& constant : skeleton.constants)
    if (const auto at = constants.find(constant.initializer); at != constants.end()) {
      constant.real = *at->second->constant();
      constant.name = at->second->name();
      ++skeleton.matched;
    }
}

}  // namespace

Skeleton make_skeleton(const Model& int8, const std::vector<FloatSide>& sides) {
  FloatNames names;
  for (const FloatSide& side : sides) names.add(side.flat);
  Skeleton skeleton = Builder(int8, names).run();
  if (skeleton.sites.empty() && skeleton.constants.empty())
    throw invalid_file("holds no QuantizeLinear or DequantizeLinear: an int8 model in QDQ form is expected");
  infer_types(skeleton.rounded);
  skeleton.side = pair_with_nearest(skeleton, sides);
  Absorbed(skeleton).put_back();
  infer_types(skeleton.rounded);
  skeleton.exact = copy(skeleton.rounded);
  take_float_constants(skeleton);
  return skeleton;
}

}  // namespace qtool::debug
