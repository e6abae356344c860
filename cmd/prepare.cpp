// qtool prepare: float model -> fused model with observers.
#include <CLI/CLI.hpp>
#include <functional>

#include "mode_args.h"
#include "onnxio/onnxio.h"
#include "quantize/prepare.h"

namespace qtool::cmd {
namespace {

struct Options {
  ModelArgs model;
  OutputArgs output;
  ConfigArgs config;
  PrepareArgs prepare;
  bool explain = false;
};

int run(const Options& options, Session& session) {
  options.output.check(session);
  PrepareOptions how = prepare_options(options.config, options.prepare);
  Model model = options.model.load();
  how.source = onnxio::digest(model);
  const QuantPlan plan = with_frame(options.model.path, [&] { return prepare(model, how, session.diagnostics); });
  if (!plan.quantizes_anything()) session.diagnostics.warn("nothing", options.model.path, "nothing in it will be quantized");
  session.report["mode"] = name_of(plan.mode);
  if (session.options.json) session.report["plan"] = Json::parse(explain_json(plan));
  if (options.explain && options.output.path == "-") session.note(explain_text(plan));
  if (options.explain && options.output.path != "-") session.say(explain_text(plan));
  options.output.save_unless_refused(model, session);
  return 0;
}

}  // namespace

std::function<int(Session&)> add_prepare(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  app.description("tidy, fuse, decide what is quantized, insert observers");
  app.footer("Example: qtool prepare model.onnx -o prepared.onnx --explain");
  options->model.add_to(app, "float ONNX model; - is stdin");
  options->output.add_to(app, "prepared model");
  options->config.add_to(app);
  options->prepare.add_to(app);
  app.add_flag("--explain", options->explain, "print the decision for every node and tensor");
  add_common_options(app, session.options);
  return [options](Session& each) { return run(*options, each); };
}

}  // namespace qtool::cmd
