// qtool quantize: prepare + calibrate + convert in one process; the same bytes as the three commands.
#include <CLI/CLI.hpp>
#include <functional>

#include "calibrate/calibrate.h"
#include "mode_args.h"
#include "onnxio/onnxio.h"
#include "progress.h"
#include "quantize/convert.h"
#include "quantize/observers.h"

namespace qtool::cmd {
namespace {

struct Options {
  ModelArgs model;
  DataArgs data;
  OutputArgs output;
  ConfigArgs config;
  PrepareArgs prepare;
  std::string engine, observer, dialect = "onnx";
};

void refuse_meaningless(const Options& options, Mode mode) {
  const DataArgs& data = options.data;
  refuse_calibration_options(mode, {{"DATA", !data.paths.empty()},
                                    {"--preprocess", !data.preprocess.empty()},
                                    {"--limit", data.limit.has_value()},
                                    {"--shard", !data.shard.empty()},
                                    {"--engine", !options.engine.empty()},
                                    {"--observer", !options.observer.empty()}});
}

Stats collect(const Options& options, const Model& prepared, Session& session) {
  const SampleSet samples = options.data.open(prepared);
  Progress progress("calibrate");
  const CalibrateOptions calibrate_options{session.threads(), session.options.strict, options.engine.empty() ? "auto" : options.engine,
                                           nullptr, std::ref(progress)};
  CalibrateReport result = calibrate(prepared, onnxio::digest(prepared), samples, calibrate_options, session.diagnostics);
  if (result.interrupted) throw Error(ExitCode::interrupted, "interrupted while calibrating; nothing was written");
  session.report["samples"] = result.used;
  session.report["skipped"] = result.skipped;
  return std::move(result.stats);
}

size_t weight_bytes(const Model& model) {
  size_t total = 0;
  for_each_graph(*model.graph, [&](Graph& graph) {
    for (const Node& node : graph.nodes())
      if (node.weight && node.weight->tensor.defined()) total += node.weight->tensor.byte_size();
  });
  return total;
}

/// The prepared model as `calibrate` and `convert` would read it from a file: so the result has the same bytes. Models too large for
/// one message keep what they have; their value_info may say more.
void through_its_bytes(Model& model) {
  if (weight_bytes(model) > onnxio::kInlineLimit) return;
  const std::string base_dir = model.base_dir;
  model = onnxio::parse(onnxio::serialize(model), "prepared model", base_dir);
}

int run(const Options& options, Session& session) {
  options.output.check(session);
  PrepareOptions how = prepare_options(options.config, options.prepare);
  refuse_meaningless(options, how.mode);
  const Dialect dialect = dialect_of(options.dialect, how.mode);
  Model model = options.model.load();
  how.source = onnxio::digest(model);
  Diagnostics repeated_by_convert;
  with_frame(options.model.path, [&] { prepare(model, how, repeated_by_convert); });
  for (const Diagnostic& each : repeated_by_convert.all())
    if (each.kind != "float") session.diagnostics.warn(each.kind, each.subject, each.message);
  through_its_bytes(model);
  const Stats stats = how.mode == Mode::static_range && observes(model) ? collect(options, model, session) : Stats{};
  const ConvertReport result = with_frame(options.model.path, [&] {
    return convert(model, stats, {std::nullopt, options.observer, dialect}, session.diagnostics);
  });
  options.output.save_unless_refused(model, session);
  report_convert(result, session);
  return 0;
}

}  // namespace

std::function<int(Session&)> add_quantize(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  app.description("prepare, calibrate and convert in one process");
  app.footer(
      "Examples: qtool quantize model.onnx samples/ --preprocess preprocess.json -o int8.onnx\n"
      "          qtool quantize model.onnx --mode dynamic -o int8.onnx");
  options->model.add_to(app, "float ONNX model; - is stdin");
  options->data.add_to(app, false);
  options->output.add_to(app, "int8 model");
  options->config.add_to(app);
  options->prepare.add_to(app);
  app.add_option("--engine", options->engine, "engine of calibration: auto (default), onednn, arm or reference");
  app.add_option("--observer", options->observer, "another range rule (minmax, percentile, mse, ...)");
  add_dialect(app, options->dialect);
  add_common_options(app, session.options);
  return [options](Session& each) { return run(*options, each); };
}

}  // namespace qtool::cmd
