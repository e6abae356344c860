// qtool convert: prepared model + statistics -> int8 QDQ model.
#include "quantize/convert.h"

#include <CLI/CLI.hpp>
#include <functional>

#include "mode_args.h"

namespace qtool::cmd {
namespace {

struct Options {
  ModelArgs model;
  OutputArgs output;
  std::string stats, qconfig, observer, dialect = "onnx";
};

int run(const Options& options, Session& session) {
  options.output.check(session);
  ConvertOptions convert_options;
  if (!options.qconfig.empty()) convert_options.qconfig = QConfigMapping::load(options.qconfig);
  convert_options.observer = options.observer;
  Model model = options.model.load();
  const Mode mode = with_frame(options.model.path, [&] { return mode_of(model); });
  refuse_calibration_options(mode, {{"--stats", !options.stats.empty()}, {"--observer", !options.observer.empty()}});
  if (convert_options.qconfig) refuse_other_mode(*convert_options.qconfig, mode, options.qconfig);
  convert_options.dialect = dialect_of(options.dialect, mode);
  const ConvertReport result = with_frame(options.model.path, [&] {
    const Stats stats = mode == Mode::static_range ? load_stats(model, options.stats, digest_of_prepared(model)) : Stats{};
    return convert(model, stats, convert_options, session.diagnostics);
  });
  options.output.save_unless_refused(model, session);
  report_convert(result, session);
  return 0;
}

}  // namespace

std::function<int(Session&)> add_convert(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  app.description("choose scales and zero points, quantize weights, write the int8 model");
  app.footer("Example: qtool convert prepared.onnx --stats stats.json -o int8.onnx");
  options->model.add_to(app, "prepared model; - is stdin");
  options->output.add_to(app, "int8 model");
  app.add_option("--stats", options->stats, "statistics (default: those inside the model)")->type_name("STATS");
  app.add_option("--qconfig", options->qconfig, "decide again with this qconfig")->type_name("NAME|FILE");
  app.add_option("--observer", options->observer, "another range rule on the same statistics (minmax, percentile, mse, ...)");
  add_dialect(app, options->dialect);
  add_common_options(app, session.options);
  return [options](Session& each) { return run(*options, each); };
}

}  // namespace qtool::cmd
