#include "pass/group.h"

#include <algorithm>
#include <unordered_map>

#include "ops/op_def.h"

namespace qtool {
namespace {

/// The group's rows in the model's metadata: qtool.fused.ConvRelu = Conv.
std::string metadata_key(const std::string& module) { return std::string(kFusedDomain) + "." + module; }

std::string module_of(const std::string& function_name) { return function_name.substr(0, function_name.rfind('_')); }

std::string next_function_name(const Model& model, const std::string& module) {
  for (size_t i = 0;; ++i) {
    std::string name = module + "_" + std::to_string(i);
    if (!model.find_function(kFusedDomain, name)) return name;
  }
}

/// Versions of the domains the body uses, as the model has them: the ONNX checker demands equality.
Opsets opsets_for(const Model& model, const std::vector<Node*>& nodes) {
  Opsets opsets;
  for (const auto& import : model.opsets) {
    const std::string domain = import.first == "ai.onnx" ? "" : import.first;
    if (std::any_of(nodes.begin(), nodes.end(), [&](const Node* node) { return node->domain == domain; })) opsets.push_back(import);
  }
  return opsets;
}

std::unique_ptr<Graph> body_of(const Match& match) {
  auto body = std::make_unique<Graph>();
  std::unordered_map<const Value*, Value*> inside;
  for (Value* value : match.inputs) inside[value] = body->add_placeholder(value->name(), {}).out();
  for (const Node* node : match.nodes) {
    std::vector<Value*> inputs;
    for (Value* value : node->inputs()) inputs.push_back(value ? inside.at(value) : nullptr);
    std::vector<std::string> outputs;
    for (const auto& value : node->outputs()) outputs.push_back(value ? value->name() : "");
    Node& made = body->clone(*node, inputs, outputs);
    for (size_t i = 0; i < node->output_count(); ++i)
      if (node->out(i)) inside[node->out(i)] = made.out(i);
  }
  std::vector<Value*> results;
  for (const auto& value : match.root->outputs())
    if (value) results.push_back(inside.at(value.get()));
  body->set_outputs_of_graph(results);
  return body;
}

Node& call_in_place(const Match& match, const std::string& function, const std::string& name) {
  Graph& graph = match.root->graph();
  std::vector<std::string> temporary, names;
  std::vector<Value*> old;
  for (const auto& value : match.root->outputs()) {
    if (!value) continue;
    old.push_back(value.get());
    names.push_back(value->name());
    temporary.push_back(graph.fresh_name(value->name() + "_fused"));
  }
  Node& call = graph.add_call(NodeKind::call_module, kFusedDomain, function, match.inputs, temporary, match.root);
  call.name = name;
  for (size_t i = 0; i < old.size(); ++i) {
    call.out(i)->type = old[i]->type;
    graph.replace_uses(*old[i], *call.out(i));
  }
  for (auto node = match.nodes.rbegin(); node != match.nodes.rend(); ++node) graph.erase(**node);
  for (size_t i = 0; i < names.size(); ++i) graph.rename(*call.out(i), names[i]);
  return call;
}

/// Unnamed nodes are addressed by operator and output (Node::path); the group keeps that address.
std::string name_of_root(const Node& root) { return root.name.empty() ? root.op + "_" + root.out()->name() : root.name; }

bool is_fused_call(const Node& call) { return call.kind() == NodeKind::call_module && call.domain == kFusedDomain; }

}  // namespace

Node* root_among(const std::vector<Node*>& nodes, const std::string& root_module, int64_t opset) {
  for (Node* node : nodes)
    if (node->op == root_module) return node;
  for (Node* node : nodes) {
    const OpDef* row = find_op(node->domain, node->op, opset);
    if (row && row->quant.kind == QuantTraits::Kind::compute) return node;
  }
  return nodes.back();
}

Node& form_group(Model& model, const Match& match, const FusionRule& rule) {
  const Node& root = *root_among(match.nodes, rule.root_module, model.opset());
  auto function = std::make_unique<Function>();
  function->domain = kFusedDomain;
  function->name = next_function_name(model, rule.fused_module);
  function->body = body_of(match);
  function->opsets = opsets_for(model, match.nodes);
  const std::string name = name_of_root(root), root_module = rule.root_module.empty() ? root.op : rule.root_module;
  Node& call = call_in_place(match, function->name, name);
  model.functions.push_back(std::move(function));
  model.set_opset(kFusedDomain, 1);
  model.ir_version = std::max<int64_t>(model.ir_version, 8);
  model.set_metadata(metadata_key(rule.fused_module), root_module);
  return call;
}

std::string root_module_of(const Model& model, const Node& call) {
  if (!is_fused_call(call)) return {};
  const std::string* stored = model.find_metadata(metadata_key(module_of(call.op)));
  return stored ? *stored : root_node_of(model, call)->op;
}

Node* root_node_of(const Model& model, const Node& call) {
  if (!is_fused_call(call)) return nullptr;
  std::vector<Node*> nodes;
  for (Node& node : model.function_of(call).body->nodes())
    if (node.is_call()) nodes.push_back(&node);
  if (nodes.empty()) throw invalid_file("fused group " + call.op + " has an empty body");
  const std::string* stored = model.find_metadata(metadata_key(module_of(call.op)));
  return root_among(nodes, stored ? *stored : "", model.opset());
}

}  // namespace qtool
