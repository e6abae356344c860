// qtool merge: statistics of shards -> one.
#include <CLI/CLI.hpp>
#include <functional>

#include "base/output_file.h"
#include "command.h"
#include "observe/stats.h"

namespace qtool::cmd {
namespace {

struct Options {
  std::vector<std::string> inputs;
  std::string output;
};

int run(const Options& options, Session& session) {
  if (options.output == "-" && session.options.json) throw usage_error("-o - and --json both want stdout");
  Stats merged = Stats::parse(read_input(options.inputs[0]), options.inputs[0]);
  for (size_t i = 1; i < options.inputs.size(); ++i)
    with_frame(options.inputs[i], [&] { merged.merge(Stats::parse(read_input(options.inputs[i]), "statistics")); });
  write_output(options.output, merged.to_json());
  session.report["samples"] = merged.samples.size();
  session.report["tensors"] = merged.tensors.size();
  return 0;
}

}  // namespace

std::function<int(Session&)> add_merge(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  app.description("join the statistics of shards");
  app.footer("Example: qtool merge stats-0.json stats-1.json -o stats.json");
  app.add_option("stats", options->inputs, "statistics files")->required()->type_name("STATS");
  app.add_option("-o,--output", options->output, "joined statistics; - is stdout")->required()->type_name("FILE");
  add_common_options(app, session.options);
  return [options](Session& each) { return run(*options, each); };
}

}  // namespace qtool::cmd
