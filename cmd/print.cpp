// qtool print: the FX view of a model at any stage.
#include <CLI/CLI.hpp>
#include <functional>

#include "graph/domains.h"
#include "graph/print.h"
#include "model_args.h"

namespace qtool::cmd {
namespace {

struct Options {
  ModelArgs model;
  std::string format = "table";
};

Json names(const std::vector<std::string>& list) { return Json(list); }

std::vector<std::string> input_names(const Node& node) {
  std::vector<std::string> list;
  for (const Value* value : node.inputs()) list.push_back(value ? value->name() : "");
  return list;
}

Json type_json(const Value& value) {
  Json json{{"name", value.name()}, {"dtype", name_of(value.type.dtype)}, {"shape", nullptr}};
  if (!value.type.dims) return json;
  json["shape"] = Json::array();
  for (const Dim& dim : *value.type.dims)
    json["shape"].push_back(dim.known() ? Json(dim.value) : dim.symbol.empty() ? Json() : Json(dim.symbol));
  return json;
}

Json graph_json(const Graph& graph);

struct ShowAttribute {
  Json operator()(std::monostate) const { return nullptr; }
  Json operator()(int64_t value) const { return value; }
  Json operator()(float value) const { return value; }
  Json operator()(const std::string& value) const { return value; }
  Json operator()(const std::vector<int64_t>& values) const { return values; }
  Json operator()(const std::vector<float>& values) const { return values; }
  Json operator()(const std::vector<std::string>& values) const { return values; }
  Json operator()(const SealedTensor& value) const { return {{"dtype", name_of(value.tensor.dtype())}, {"shape", value.tensor.shape()}}; }
  Json operator()(const std::shared_ptr<Graph>& body) const { return graph_json(*body); }
  Json operator()(const std::vector<std::shared_ptr<Graph>>& bodies) const {
    Json json = Json::array();
    for (const auto& body : bodies) json.push_back(graph_json(*body));
    return json;
  }
};

Json node_json(const Node& node) {
  Json json{{"opcode", name_of(node.kind())}, {"name", node.name}, {"path", node.path()}};
  json["target"] = node.is_call() ? node.target() : node.out(0) ? node.out(0)->name() : "output";
  json["args"] = names(input_names(node));
  Json kwargs = Json::object();
  for (const Attribute& attribute : node.attributes) kwargs[attribute.name] = std::visit(ShowAttribute{}, attribute.value);
  json["kwargs"] = std::move(kwargs);
  json["outputs"] = Json::array();
  for (const auto& value : node.outputs()) json["outputs"].push_back(value ? type_json(*value) : Json());
  return json;
}

Json graph_json(const Graph& graph) {
  Json json{{"name", graph.name}, {"nodes", Json::array()}};
  for (const Node& node : graph.nodes()) json["nodes"].push_back(node_json(node));
  return json;
}

Json model_json(const Model& model) {
  Json json{{"ir_version", model.ir_version}, {"opsets", Json::object()}, {"metadata", Json::object()}};
  for (const auto& [domain, version] : model.opsets) json["opsets"][domain.empty() ? "ai.onnx" : domain] = version;
  for (const auto& [key, value] : model.metadata) json["metadata"][key] = value;
  json["graph"] = graph_json(*model.graph);
  json["functions"] = Json::array();
  for (const auto& function : model.functions)
    json["functions"].push_back({{"domain", function->domain}, {"name", function->name}, {"graph", graph_json(*function->body)}});
  return json;
}

int run(const Options& options, Session& session) {
  Model model = options.model.load();
  if (session.options.json || options.format == "json") {
    session.options.json = true;
    session.report = model_json(model);
    return 0;
  }
  std::erase_if(model.functions, [](const auto& function) { return function->domain == kWrappedDomain; });  // opaque
  session.say(options.format == "code" ? to_code(model) : options.format == "dot" ? to_dot(model) : to_table(model));
  return 0;
}

}  // namespace

std::function<int(Session&)> add_print(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  app.description("print the graph: opcode, name, target, args, kwargs");
  app.footer("Example: qtool print model.onnx --format table");
  options->model.add_to(app);
  app.add_option("--format", options->format, "table, code (Python), dot (Graphviz) or json")
      ->check(CLI::IsMember({"table", "code", "dot", "json"}))
      ->capture_default_str();
  add_common_options(app, session.options);
  return [options](Session& each) { return run(*options, each); };
}

}  // namespace qtool::cmd
