// qtool fuse: tidy and fusion alone, for study.
#include <CLI/CLI.hpp>
#include <functional>

#include "model_args.h"
#include "pass/tidy.h"
#include "quantize/prepare.h"

namespace qtool::cmd {
namespace {

struct Options {
  ModelArgs model;
  OutputArgs output;
  std::string backend = "x86";
};

int run(const Options& options, Session& session) {
  options.output.check(session);
  const BackendConfig backend = BackendConfig::load(options.backend);
  Model model = options.model.load();
  const size_t before = model.graph->node_count();
  with_frame(options.model.path, [&] {
    tidy(model);
    lint(model, "after pass tidy");
    tidy_and_fuse(
        model, backend, [](const Node&) { return true; }, session.diagnostics);
  });
  options.output.save_unless_refused(model, session);
  session.report["nodes_before"] = before;
  session.report["nodes_after"] = model.graph->node_count();
  session.report["groups"] = model.functions.size();
  return 0;
}

}  // namespace

std::function<int(Session&)> add_fuse(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  app.description("tidy and fuse by a backend's patterns, nothing else");
  app.footer("Example: qtool fuse model.onnx -o - | qtool print -");
  options->model.add_to(app);
  options->output.add_to(app, "fused model");
  app.add_option("--backend", options->backend, "name or JSON file")->capture_default_str()->type_name("NAME|FILE");
  add_common_options(app, session.options);
  return [options](Session& each) { return run(*options, each); };
}

}  // namespace qtool::cmd
