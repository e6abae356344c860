// qtool inspect: what a model is made of, and what a backend could quantize in it.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <map>

#include "model_args.h"
#include "ops/op_def.h"
#include "pass/tidy.h"
#include "quantize/decide.h"
#include "quantize/prepare.h"

namespace qtool::cmd {
namespace {

struct Options {
  ModelArgs model;
  std::string backend, qconfig;
};

struct Totals {
  int64_t parameters = 0, weight_bytes = 0, macs = 0;
  bool macs_complete = true;
  std::map<std::string, size_t> operators;
};

/// Dynamic dimensions count as 1.
std::optional<Shape> shape_or_one(const Value* value) {
  if (!value || !value->type.dims) return std::nullopt;
  Shape shape;
  for (const Dim& dim : *value->type.dims) shape.push_back(dim.known() ? dim.value : 1);
  return shape;
}

void add_macs(const Model& model, const Node& node, Totals& totals) {
  const OpDef* def = find_op(model, node);
  if (!def || !def->macs) return;
  std::vector<Shape> in, out;
  for (const Value* value : node.inputs()) {
    const auto shape = shape_or_one(value);
    if (value && !shape) totals.macs_complete = false;
    in.push_back(shape.value_or(Shape{}));
  }
  for (const auto& value : node.outputs()) {
    const auto shape = shape_or_one(value.get());
    if (!shape) totals.macs_complete = false;
    out.push_back(shape.value_or(Shape{}));
  }
  if (totals.macs_complete) totals.macs += def->macs(node, in, out);
}

/// Those of functions too: fused groups, wrapped regions, functions of the file.
void count_macs(const Model& model, Totals& totals) {
  Model flat = copy(model);
  inline_functions(flat, [](const Node&) { return false; });
  infer_types(flat);
  for_each_graph(*flat.graph, [&](Graph& graph) {
    for (const Node& node : graph.nodes())
      if (node.is_call()) add_macs(flat, node, totals);
  });
}

Totals count(Model& model) {
  infer_types(model);
  Totals totals;
  for_each_graph(*model.graph, [&](Graph& graph) {
    for (const Node& node : graph.nodes()) {
      if (node.weight && node.weight->tensor.defined()) {
        totals.parameters += node.weight->tensor.size();
        totals.weight_bytes += static_cast<int64_t>(node.weight->tensor.byte_size());
      }
      if (node.is_call()) ++totals.operators[node.target()];
    }
  });
  count_macs(model, totals);
  return totals;
}

std::string type_text(const Value& value) {
  std::string text(name_of(value.type.dtype));
  if (!value.type.dims) return text + " ?";
  text += " [";
  for (size_t i = 0; i < value.type.dims->size(); ++i) {
    const Dim& dim = (*value.type.dims)[i];
    text += (i ? ", " : "") + (dim.known() ? std::to_string(dim.value) : dim.symbol.empty() ? "?" : dim.symbol);
  }
  return text + "]";
}

void describe_io(const Model& model, Session& session) {
  session.report["inputs"] = session.report["outputs"] = Json::array();
  for (const Node* node : model.graph->placeholders()) {
    if (node->weight) continue;
    session.report["inputs"].push_back({{"name", node->out(0)->name()}, {"type", type_text(*node->out(0))}});
    session.say("input   " + node->out(0)->name() + ": " + type_text(*node->out(0)));
  }
  for (const Value* value : model.graph->output().inputs()) {
    session.report["outputs"].push_back({{"name", value->name()}, {"type", type_text(*value)}});
    session.say("output  " + value->name() + ": " + type_text(*value));
  }
}

void describe_totals(const Model& model, const Totals& totals, const std::string& path, Session& session) {
  Json& report = session.report;
  report["ir_version"] = model.ir_version;
  report["opset"] = model.opset();
  report["parameters"] = totals.parameters;
  report["weight_bytes"] = totals.weight_bytes;
  report["macs"] = totals.macs_complete ? Json(totals.macs) : Json();
  report["operators"] = totals.operators;
  std::error_code none;
  const auto size = std::filesystem::file_size(path, none);
  if (!none) report["file_bytes"] = size;
  session.say("opset   " + std::to_string(model.opset()) + ", IR " + std::to_string(model.ir_version));
  session.say("size    " + std::to_string(totals.parameters) + " parameters, " + human_bytes(static_cast<double>(totals.weight_bytes)) +
              " of weights" + (none ? "" : ", file " + human_bytes(static_cast<double>(size))));
  session.say(totals.macs_complete ? "macs    " + std::to_string(totals.macs) + " (dynamic dimensions taken as 1)"
                                   : "macs    unknown: shapes are dynamic");
  std::string list;
  for (const auto& [name, number] : totals.operators) list += " " + name + " x" + std::to_string(number);
  session.say("calls  " + list);
}

void describe_backend(const Options& options, Model& model, Session& session) {
  const BackendConfig backend = BackendConfig::load(options.backend);
  const QConfigMapping qconfig = QConfigMapping::load(options.qconfig.empty() ? backend.name : options.qconfig);
  PrepareOptions prepare_options{qconfig, backend, {}, {}};
  prepare_options.mode = mode_of(qconfig).value_or(Mode::static_range);
  Diagnostics ignored;
  const QuantPlan plan = prepare(model, prepare_options, ignored);
  session.report["plan"] = Json::parse(explain_json(plan));
  session.say(explain_text(plan));
}

int run(const Options& options, Session& session) {
  Model model = options.model.load();
  return with_frame(options.model.path, [&] {
    const Totals totals = count(model);
    describe_io(model, session);
    describe_totals(model, totals, options.model.path, session);
    if (!options.backend.empty()) describe_backend(options, model, session);
    return 0;
  });
}

}  // namespace

std::function<int(Session&)> add_inspect(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  app.description("inputs, outputs, operators, parameters, MACs; with --backend what can be quantized and why the rest cannot");
  app.footer("Example: qtool inspect model.onnx --backend x86");
  options->model.add_to(app);
  app.add_option("--backend", options->backend, "name or JSON file")->type_name("NAME|FILE");
  app.add_option("--qconfig", options->qconfig, "name or JSON file (default: the backend's)")->type_name("NAME|FILE");
  add_common_options(app, session.options);
  return [options](Session& each) { return run(*options, each); };
}

}  // namespace qtool::cmd
