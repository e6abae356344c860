#include "debug/skeleton.h"

#include <algorithm>

#include "exec/canonicalize.h"
#include "exec/cluster/quantized.h"
#include "graph/domains.h"
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
    std::vector<std::string> names{quantize.in(0)->name()};
    for (const Node* node : dequantizers) names.push_back(node->out(0)->name());
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

/// Initializer of the skeleton -> FLOAT's constant, where a pair of nodes reads one of the same shape in the same place.
std::unordered_map<std::string, const Value*> float_constants(const Pairing& pairing) {
  std::unordered_map<std::string, const Value*> found;
  for (const auto& [node, partner] : pairing.nodes)
    for (size_t i = 0; i < node->input_count(); ++i) {
      const Tensor* own = node->in(i) ? node->in(i)->constant() : nullptr;
      const Tensor* other = partner->in(i) ? partner->in(i)->constant() : nullptr;
      if (own && other && own->dtype() == DType::float32 && other->dtype() == DType::float32 && own->shape() == other->shape())
        found.emplace(node->in(i)->name(), partner->in(i));
    }
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
    }
}

}  // namespace

Skeleton make_skeleton(const Model& int8, const Model& flat) {
  Skeleton skeleton = Builder(int8, FloatNames(flat)).run();
  if (skeleton.sites.empty() && skeleton.constants.empty())
    throw invalid_file("holds no QuantizeLinear or DequantizeLinear: an int8 model in QDQ form is expected");
  infer_types(skeleton.rounded);
  skeleton.pairing = pair_nodes(skeleton.rounded, flat);
  if (skeleton.pairing.nodes.empty())
    throw invalid_file("has no node or tensor in common with the float model: the files do not belong together");
  skeleton.exact = copy(skeleton.rounded);
  take_float_constants(skeleton);
  return skeleton;
}

}  // namespace qtool::debug
