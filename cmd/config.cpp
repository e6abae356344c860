// qtool config: the built-in qconfigs and backends, and the check of a file.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <memory>

#include "base/output_file.h"
#include "command.h"
#include "config/backend.h"
#include "config/embedded.h"
#include "config/qconfig.h"

namespace qtool::cmd {
namespace {

struct Options {
  CLI::App *list = nullptr, *show = nullptr;
  std::string name, file, kind;
};

bool holds(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

int list(Session& session) {
  session.report["qconfigs"] = QConfigMapping::built_in_names();
  session.report["backends"] = BackendConfig::built_in_names();
  session.report["schemas"] = embedded_names("schema");
  for (const auto& [names, kind] : {std::pair{"qconfigs", "qconfig  "}, {"backends", "backend  "}, {"schemas", "schema   "}})
    for (const Json& name : session.report[names]) session.say(kind + name.get<std::string>());
  return 0;
}

int show_schema(const std::string& name, Session& session) {
  session.report = Json::parse(embedded_config("schema/" + name + ".json"));
  session.say(session.report.dump(2));
  return 0;
}

int show(const Options& options, Session& session) {
  if (is_built_in("schema", options.name)) return show_schema(options.name, session);
  const bool qconfig = holds(QConfigMapping::built_in_names(), options.name),
             backend = holds(BackendConfig::built_in_names(), options.name);
  if (!qconfig && !backend) throw usage_error("\"" + options.name + "\" is no built-in qconfig, backend or schema (see qtool config list)");
  if (options.kind != "qconfig" && backend) {
    session.report = Json::parse(BackendConfig::built_in(options.name).to_json());
  } else if (options.kind != "backend" && qconfig) {
    session.report = Json::parse(QConfigMapping::built_in(options.name).to_json());
  } else {
    throw usage_error("\"" + options.name + "\" is no built-in " + options.kind);
  }
  session.say(session.report.dump(2));
  return 0;
}

int check(const Options& options, Session& session) {
  const std::string text = read_input(options.file);
  const Json json = Json::parse(text, nullptr, false);
  const bool backend = json.is_object() && (json.contains("patterns") || json.contains("placement"));
  if (backend)
    BackendConfig::parse(text, options.file);
  else
    QConfigMapping::parse(text, options.file);
  session.report["file"] = options.file;
  session.report["kind"] = backend ? "backend" : "qconfig";
  session.say(options.file + ": a valid " + (backend ? "backend" : "qconfig"));
  return 0;
}

int run(const Options& options, Session& session) {
  if (options.list->parsed()) return list(session);
  return options.show->parsed() ? show(options, session) : check(options, session);
}

}  // namespace

std::function<int(Session&)> add_config(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  app.description("built-in qconfigs, backends and JSON Schemas; check of a file");
  app.footer("Example: qtool config check my-qconfig.json");
  app.require_subcommand(1);
  options->list = app.add_subcommand("list", "names of the built-in files");
  options->show = app.add_subcommand("show", "print a built-in file");
  options->show->add_option("name", options->name, "its name")->required();
  options->show->add_option("--kind", options->kind, "qconfig or backend, where both have the name (default: backend)")
      ->check(CLI::IsMember({"qconfig", "backend"}));
  CLI::App* checker = app.add_subcommand("check", "report every mistake of a qconfig or backend file");
  checker->add_option("file", options->file, "JSON file")->required();
  for (CLI::App* sub : {options->list, options->show, checker}) add_common_options(*sub, session.options);
  return [options](Session& each) { return run(*options, each); };
}

}  // namespace qtool::cmd
