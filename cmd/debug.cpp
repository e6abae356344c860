// qtool debug: which node costs accuracy, why, and what to change.
#include "debug/sensitivity.h"

#include <CLI/CLI.hpp>
#include <functional>

#include "base/output_file.h"
#include "debug/report_html.h"
#include "model_args.h"
#include "onnxio/onnxio.h"
#include "progress.h"

namespace qtool::cmd {
namespace {

struct Options {
  std::string float_model, int8_model, json, html, engine = "auto";
  DataArgs data;
};

int run(const Options& options, Session& session) {
  const Model real = onnxio::load(options.float_model), int8 = onnxio::load(options.int8_model);
  const SampleSet samples = options.data.open(real);
  Progress progress("debug");
  debug::SensitivityOptions wanted;
  wanted.engine = options.engine;
  wanted.threads = session.threads();
  wanted.strict = session.options.strict;
  wanted.progress = [&](size_t done, size_t total) { progress(done, total); };
  debug::Report report =
      with_frame(options.int8_model, [&] { return debug::sensitivity_report(real, int8, samples, wanted, session.diagnostics); });
  report.float_model = options.float_model;
  report.int8_model = options.int8_model;
  const Json json = debug::to_json(report);
  if (!options.json.empty()) write_output(options.json, json.dump(1) + "\n");
  if (!options.html.empty()) write_output(options.html, debug::to_html(json));
  session.report = json;
  session.say(debug::to_text(report));
  return 0;
}

}  // namespace

std::function<int(Session&)> add_debug(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  app.description("which node costs accuracy, why, and what to change");
  app.footer("Example: qtool debug model.onnx int8.onnx samples/ --preprocess preprocess.json");
  app.add_option("float", options->float_model, "float ONNX model")->required()->type_name("FLOAT");
  app.add_option("int8", options->int8_model, "the same model in QDQ form")->required()->type_name("INT8");
  options->data.add_to(app, true);
  app.add_option("-o,--output", options->json, "write the report as JSON to this file")->type_name("FILE");
  app.add_option("--html", options->html, "write the report as one page to this file")->type_name("FILE");
  app.add_option("--engine", options->engine, "auto, onednn or reference")->capture_default_str();
  add_common_options(app, session.options);
  return [options](Session& each) { return run(*options, each); };
}

}  // namespace qtool::cmd
