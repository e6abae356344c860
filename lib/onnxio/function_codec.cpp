#include "onnxio/function_codec.h"

#include <algorithm>
#include <map>

namespace qtool::onnxio {
namespace {

using onnx::FunctionProto;

std::string short_domain(const std::string& domain) { return domain == "ai.onnx" ? "" : domain; }

std::string label(const FunctionProto& message) { return "function \"" + message.domain() + "." + message.name() + "\""; }

FunctionId id_of(const FunctionProto& message) {
  return {short_domain(message.domain()), message.name(), string_field(message, kFunctionOverload)};
}

Attribute plain_attribute(onnx::AttributeProto message, ExternalData& external) {
  const ReadBody refuse = [](onnx::GraphProto&) -> std::shared_ptr<Graph> { throw invalid_file("a graph as default of an attribute"); };
  return decode_attribute(message, external, refuse);
}

const WriteBody kNoBody = [](const Graph&) -> onnx::GraphProto { throw bug("a graph as default of an attribute"); };

/// Functions calling functions, at most so deep.
constexpr int kMaxCallDepth = 256;

/// Depth first over calls; state 1: being visited, 2: done.
class CallWalk {
 public:
  explicit CallWalk(const Model& model) : model_(model) {}
  void visit_calls(Graph& root) {
    for_each_graph(root, [&](Graph& graph) {
      for (const Node& node : graph.nodes())
        if (node.kind() == NodeKind::call_module) visit_call(node, model_.function_of(node));
    });
  }
  void visit(const Function& function) {
    int& state = states_[&function];
    if (state == 2) return;
    if (state == 1) throw invalid_file("function \"" + function.domain + "." + function.name + "\" calls itself");
    if (++depth_ > kMaxCallDepth) throw invalid_file("functions call functions, deeper than " + std::to_string(kMaxCallDepth));
    state = 1;
    visit_calls(*function.body);
    state = 2;
    --depth_;
  }

 private:
  void visit_call(const Node& node, const Function& function) {
    require_at_most(node, "inputs", node.input_count(), function.body->placeholders().size());
    require_at_most(node, "outputs", node.output_count(), function.body->output().input_count());
    visit(function);
  }
  static void require_at_most(const Node& node, const char* what, size_t found, size_t declared) {
    if (found > declared)
      throw invalid_file("node \"" + node.path() + "\" has " + std::to_string(found) + " " + what + ", its function " + node.target() +
                         " declares " + std::to_string(declared));
  }

  const Model& model_;
  std::map<const Function*, int> states_;
  int depth_ = 0;
};

}  // namespace

Opsets opsets_of(const OpsetList& list) {
  Opsets opsets;
  for (const auto& entry : list) opsets.emplace_back(short_domain(entry.domain()), entry.version());
  return opsets;
}

void write_opsets(OpsetList& list, const Opsets& opsets) {
  if (opsets_of(list) == opsets) return;
  list.Clear();
  for (const auto& [domain, version] : opsets) {
    auto& entry = *list.Add();
    entry.set_domain(domain);
    entry.set_version(version);
  }
}

std::set<FunctionId> ids_of(const onnx::ModelProto& message) {
  std::set<FunctionId> ids;
  for (const auto& function : message.functions())
    if (!ids.insert(id_of(function)).second) throw invalid_file(label(function) + " is defined twice");
  return ids;
}

std::unique_ptr<Function> read_function(FunctionProto& message, FileContext& file) {
  return with_frame(label(message), [&] {
    auto function = std::make_unique<Function>();
    function->body = std::make_unique<Graph>();
    for (const auto& input : message.input()) function->body->add_placeholder(input, {});
    GraphReader reader(file, *function->body, nullptr);
    reader.read_nodes(*message.mutable_node());
    reader.read_outputs({message.output().begin(), message.output().end()});
    function->attributes.assign(message.attribute().begin(), message.attribute().end());
    for (auto& attribute : attributes_field(message, kFunctionDefaults))
      function->attribute_defaults.push_back(plain_attribute(std::move(attribute), file.external));
    function->opsets = opsets_of(message.opset_import());
    function->overload = string_field(message, kFunctionOverload);
    message.clear_input(), message.clear_output(), message.clear_node(), message.clear_attribute();
    function->domain = message.domain() == "ai.onnx" ? "" : take_domain(message);
    function->name = take_name(message);
    function->sealed = seal(message);
    return function;
  });
}

FunctionProto write_function(const Function& function, const GraphWriter& writer) {
  auto message = unseal<FunctionProto>(function.sealed);
  if (!function.name.empty()) message.set_name(function.name);
  if (!function.domain.empty()) message.set_domain(function.domain);
  for (const Node* input : function.body->placeholders()) message.add_input(input->out()->name());
  for (const Value* output : function.body->output().inputs()) message.add_output(output->name());
  for (const std::string& attribute : function.attributes) message.add_attribute(attribute);
  writer.write_nodes(*function.body, *message.mutable_node(), GraphWriter::Weights::as_constants);
  write_opsets(*message.mutable_opset_import(), function.opsets);
  set_string_field(message, kFunctionOverload, function.overload);
  std::vector<onnx::AttributeProto> defaults;
  for (const Attribute& attribute : function.attribute_defaults) defaults.push_back(encode_attribute(attribute, kNoBody));
  const auto held = attributes_field(message, kFunctionDefaults);
  const auto same = [](const auto& a, const auto& b) { return a.SerializeAsString() == b.SerializeAsString(); };
  if (!std::equal(held.begin(), held.end(), defaults.begin(), defaults.end(), same))
    set_attributes_field(message, kFunctionDefaults, defaults);
  return message;
}

void check_calls(const Model& model) {
  CallWalk walk(model);
  for (const auto& function : model.functions) walk.visit(*function);
  if (!model.functions.empty()) walk.visit_calls(*model.graph);
}

}  // namespace qtool::onnxio
