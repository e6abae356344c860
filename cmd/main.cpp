// qtool: parses the command line, runs one command, turns errors into one line and an exit code.

#include <malloc.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>
#include <new>

#include "base/interrupt.h"
#include "command.h"

namespace qtool::cmd {

/// What a command's file gives: adds its options to `app` and returns what runs it.
using Action = std::function<int(Session&)>;

#define QTOOL_COMMAND(name) Action add_##name(CLI::App& app, Session& session);
#include "commands.inc"
#undef QTOOL_COMMAND

namespace {

struct Row {
  const char* name;
  Action (*add)(CLI::App&, Session&);
};

constexpr Row kCommands[] = {
#define QTOOL_COMMAND(name) {#name, add_##name},
#include "commands.inc"
#undef QTOOL_COMMAND
};

int fail(ExitCode code, const std::string& message) {
  std::fputs(("qtool: error: " + message + "\n").c_str(), stderr);
  return static_cast<int>(code);
}

int guarded(const std::string& name, const Action& action, Session& session) {
  try {
    session.begin();
    return session.end(action(session));
  } catch (const Error& error) {
    session.end(0);
    return fail(error.code(), name + ": " + error.what());
  } catch (const std::bad_alloc&) {
    return fail(ExitCode::invalid_file, name + ": out of memory (limit: " +
                                            (session.options.memory_limit.empty() ? "75 % of the machine" : session.options.memory_limit) +
                                            ")");
  } catch (const std::exception& error) {
    return fail(ExitCode::bug, name + ": unexpected: " + error.what());
  }
}

int parse_and_run(int argc, char** argv) {
  CLI::App app("qtool: quantize ONNX models to int8 and run them", "qtool");
  app.set_version_flag("--version", std::string("qtool ") + QTOOL_VERSION);
  app.require_subcommand(1);
  app.set_help_all_flag("--help-all", "help of every command");
  Session session;
  std::vector<std::pair<CLI::App*, Action>> actions;
  for (const Row& row : kCommands) {
    CLI::App* sub = app.add_subcommand(row.name);
    actions.emplace_back(sub, row.add(*sub, session));
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    return fail(ExitCode::usage, std::string(error.what()) + " (see qtool --help)");
  }
  for (const auto& [sub, action] : actions)
    if (sub->parsed()) return guarded(sub->get_name(), action, session);
  return fail(ExitCode::usage, "no command");
}

}  // namespace
}  // namespace qtool::cmd

int main(int argc, char** argv) {
  // Large buffers go back to the system when freed. Left to itself glibc raises this threshold with every large free, and inputs of
  // changing size then fragment its heap: calibration's memory would grow with the number of samples.
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  qtool::install_interrupt_handler();
  return qtool::cmd::parse_and_run(argc, argv);
}
