// qtool calibrate: prepared model + samples -> statistics.
#include "calibrate/calibrate.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <functional>

#include "base/output_file.h"
#include "mode_args.h"
#include "onnxio/onnxio.h"
#include "progress.h"
#include "quantize/prepare.h"

namespace qtool::cmd {
namespace {

struct Options {
  ModelArgs model;
  DataArgs data;
  OutputArgs output;
  std::string engine = "auto";
  bool resume = false, any_observer = false;
};

bool writes_model(const std::string& path) { return path == "-" || path.ends_with(".onnx"); }

/// What an earlier run left: statistics in the target file, or in the model of that name.
std::optional<Stats> earlier(const Options& options, const std::string& digest) {
  if (!options.resume || options.output.path == "-" || access(options.output.path.c_str(), F_OK) != 0) return std::nullopt;
  if (!writes_model(options.output.path)) return Stats::parse(read_input(options.output.path), options.output.path);
  const Model before = onnxio::load(options.output.path);
  return load_stats(before, "", digest);
}

void save(const Options& options, Model& model, const Stats& stats) {
  if (!writes_model(options.output.path)) return write_output(options.output.path, stats.to_json());
  model.set_metadata(kStatsKey, stats.to_json());
  options.output.save(model);
}

void report(const CalibrateReport& result, Session& session) {
  session.report["samples"] = result.used;
  session.report["skipped"] = result.skipped;
  session.report["interrupted"] = result.interrupted;
  session.report["tensors"] = result.stats.tensors.size();
  session.note("calibrated on " + std::to_string(result.used) + " samples (" + std::to_string(result.skipped) + " skipped), " +
               std::to_string(result.stats.tensors.size()) + " tensors observed");
}

int run(const Options& options, Session& session) {
  options.output.check(session);
  Model model = options.model.load();
  if (!model.find_metadata(kBackendKey)) throw invalid_file(options.model.path + ": is not a prepared model (run `qtool prepare` first)");
  refuse_calibration_options(mode_of(model), {{"calibrate", true}});
  model.remove_metadata(kStatsKey);
  const std::string digest = onnxio::digest(model);
  const std::optional<Stats> before = earlier(options, digest);
  const SampleSet samples = options.data.open(model);
  Progress progress("calibrate");
  CalibrateOptions calibrate_options{session.threads(),           session.options.strict, options.engine,
                                     before ? &*before : nullptr, std::ref(progress),     options.any_observer};
  const CalibrateReport result = calibrate(model, digest, samples, calibrate_options, session.diagnostics);
  save(options, model, result.stats);
  report(result, session);
  if (!result.interrupted) return 0;
  session.note("interrupted: what was collected is saved in " + options.output.path + "; --resume continues");
  return static_cast<int>(ExitCode::interrupted);
}

}  // namespace

std::function<int(Session&)> add_calibrate(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  app.description("run samples through a prepared model and collect statistics");
  app.footer("Example: qtool calibrate prepared.onnx samples/ --preprocess preprocess.json -o stats.json");
  options->model.add_to(app, "prepared model; - is stdin");
  options->data.add_to(app, false);
  options->output.add_to(app, "statistics (JSON), or with a name ending in .onnx the prepared model with the statistics inside");
  app.add_option("--engine", options->engine, "auto, onednn, arm or reference")->capture_default_str();
  app.add_flag("--any-observer", options->any_observer,
               "collect what every observer needs, whatever the qconfig names, so that convert --observer takes any");
  app.add_flag("--resume", options->resume, "continue from the statistics in the output file");
  add_common_options(app, session.options);
  return [options](Session& each) { return run(*options, each); };
}

}  // namespace qtool::cmd
