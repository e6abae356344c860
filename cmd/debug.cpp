// qtool debug: which node costs accuracy, why, and what to change.
#include "debug/sensitivity.h"

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>

#include "base/output_file.h"
#include "debug/report_html.h"
#include "model_args.h"
#include "onnxio/onnxio.h"
#include "progress.h"

namespace qtool::cmd {
namespace {

struct Options {
  std::string float_model, int8_model, html, json, engine = "auto", leave_one_out = "20", qconfig, from_report;
  size_t leave_one_out_samples = 8;
  std::vector<std::string> outputs;  ///< pages where they end in .html, JSON otherwise
  std::optional<double> min_cosine, min_sqnr;
  bool kernels = false;
  const CLI::Option *json_option = nullptr, *nodes_option = nullptr, *samples_option = nullptr;
  DataArgs data;
};

size_t count_of(const std::string& text) {
  if (text == "all") return static_cast<size_t>(-1);
  if (text.empty() || text.size() > 9 || text.find_first_not_of("0123456789") != std::string::npos)
    throw usage_error("--leave-one-out \"" + text + "\": a number of nodes, or all, expected");
  return std::stoul(text);
}

debug::SensitivityOptions sensitivity_options(const Options& options, const Session& session) {
  debug::SensitivityOptions wanted;
  wanted.engine = options.engine;
  wanted.threads = session.threads();
  wanted.strict = session.options.strict;
  wanted.kernels = options.kernels;
  wanted.leave_one_out = count_of(options.leave_one_out);
  wanted.leave_one_out_samples = options.leave_one_out_samples;
  wanted.more_where_lost = options.nodes_option->empty() && options.samples_option->empty();
  return wanted;
}

bool is_page(const std::string& path) { return path.ends_with(".html") || path.ends_with(".htm"); }

/// `--json` alone is the object on stdout, as everywhere; with a name the report in that file.
void settle_json(Options& options, Session& session) {
  if (options.json_option->empty()) return;
  if (options.json.empty() || options.json == "true") {
    session.options.json = true;
  } else if (options.json.ends_with(".json") || options.json == "-") {
    options.outputs.push_back(options.json);
  } else {
    throw usage_error("--json \"" + options.json + "\": the name of the report has to end in .json (--json alone prints it)");
  }
}

/// A target that cannot be written is an error before the run, not after.
void try_targets(const Options& options) {
  for (const std::string& path : options.outputs) OutputFile{path};
  for (const std::string& path : {options.html, options.qconfig})
    if (!path.empty()) OutputFile{path};
}

/// False, and said, where the int8 model is below a bound.
bool passes(const Options& options, const debug::Report& report, Session& session) {
  bool passed = true;
  const auto hold = [&](const char* what, double found, const std::optional<double>& least) {
    if (!least || found >= *least) return;
    session.note(std::string(what) + " of the outputs is " + std::to_string(found) + ", below " + std::to_string(*least));
    passed = false;
  };
  hold("cosine", report.network.cosine, options.min_cosine);
  hold("SQNR", report.network.sqnr_db, options.min_sqnr);
  return passed;
}

int run(Options& options, Session& session) {
  settle_json(options, session);
  try_targets(options);
  const Model real = onnxio::load(options.float_model), int8 = onnxio::load(options.int8_model);
  const SampleSet samples = options.data.open(real);
  Progress progress("debug");
  debug::SensitivityOptions wanted = sensitivity_options(options, session);
  std::optional<debug::Flags> flags;
  if (!options.from_report.empty()) flags = debug::flags_of(read_input(options.from_report), options.from_report);
  wanted.flags = flags ? &*flags : nullptr;
  wanted.progress = [&](size_t done, size_t total) { progress(done, total); };
  debug::Report report =
      with_frame(options.int8_model, [&] { return debug::sensitivity_report(real, int8, samples, wanted, session.diagnostics); });
  report.float_model = options.float_model;
  report.int8_model = options.int8_model;
  const Json json = debug::to_json(report);
  for (const std::string& path : options.outputs) write_output(path, is_page(path) ? debug::to_html(json) : json.dump(1) + "\n");
  if (!options.html.empty()) write_output(options.html, debug::to_html(json));
  session.report = json;
  session.say(debug::to_text(report));
  if (!options.qconfig.empty()) write_output(options.qconfig, debug::qconfig_with(report, int8));
  return passes(options, report, session) ? 0 : static_cast<int>(ExitCode::gate_failed);
}

}  // namespace

std::function<int(Session&)> add_debug(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  app.description("which node costs accuracy, why, and what to change");
  app.footer("Example: qtool debug model.onnx int8.onnx samples/ --preprocess preprocess.json -o report.html");
  app.add_option("float", options->float_model, "float ONNX model")->required()->type_name("FLOAT");
  app.add_option("int8", options->int8_model, "the same model in QDQ form")->required()->type_name("INT8");
  options->data.add_to(app, true);
  app.add_option("-o,--output", options->outputs, "write the report to this file: one page where it ends in .html, JSON otherwise")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_option("--html", options->html, "write the report as one page to this file")->type_name("FILE");
  options->json_option =
      app.add_option("--json", options->json, "the report as JSON to this file; without a name on stdout, instead of prose")
          ->type_name("[FILE.json]")
          ->expected(0, 1);
  options->nodes_option = app.add_option("--leave-one-out", options->leave_one_out, "try this many of the worst nodes alone in float")
                              ->type_name("N|all")
                              ->capture_default_str();
  options->samples_option =
      app.add_option("--leave-one-out-samples", options->leave_one_out_samples, "on this many samples")->capture_default_str();
  app.add_option("--write-qconfig", options->qconfig, "write a qconfig with the proposed changes, for prepare --qconfig")
      ->type_name("FILE");
  app.add_option("--from-report", options->from_report, "take \"float\" and \"observer\" of this report, as edited, instead of proposing")
      ->type_name("FILE");
  app.add_option("--min-cosine", options->min_cosine, "exit 1 where the outputs' cosine to float is below");
  app.add_option("--min-sqnr", options->min_sqnr, "exit 1 where the outputs' SQNR in dB is below");
  app.add_flag("--kernels", options->kernels, "also hold the engine against the reference, node by node");
  app.add_option("--engine", options->engine, "auto, onednn, arm or reference")->capture_default_str();
  add_common_options(app, session.options, false);
  return [options](Session& each) { return run(*options, each); };
}

}  // namespace qtool::cmd
