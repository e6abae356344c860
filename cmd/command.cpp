#include "command.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>

#include "base/parallel.h"
#include "exec/control_flow.h"
#include "exec/plan.h"

namespace qtool::cmd {
namespace {

size_t bytes_of(const std::string& text) {
  size_t used = 0;
  double number = -1;
  try {
    number = std::stod(text, &used);
  } catch (const std::exception&) {
  }
  static const std::map<std::string, double> kUnits{{"", 1}, {"K", 1024}, {"M", 1048576}, {"G", 1073741824}};
  const auto unit = kUnits.find(used < text.size() ? text.substr(used) : "");
  if (number <= 0 || unit == kUnits.end()) throw usage_error("--memory-limit \"" + text + "\": expected a size like 500M or 4G");
  return static_cast<size_t>(number * unit->second);
}

void limit_memory(size_t bytes) {
  const rlimit limit{bytes, bytes};
  setrlimit(RLIMIT_DATA, &limit);
}

size_t default_memory_limit() { return static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGESIZE)) / 4 * 3; }

/// Warnings of one kind and message, for one line: "a, b, c and 9 more: message".
std::string line_of(const std::vector<std::string>& subjects, const std::string& message) {
  constexpr size_t kShown = 4;
  std::string names;
  for (size_t i = 0; i < subjects.size() && i < kShown; ++i) names += (i ? ", " : "") + subjects[i];
  if (subjects.size() > kShown) names += " and " + std::to_string(subjects.size() - kShown) + " more";
  return names + ": " + message;
}

std::string prefix_of(const std::string& kind) {
  if (kind == "float" || kind == "constraint") return "left float: ";
  if (kind == "sample_skipped") return "sample skipped: ";
  if (kind == "not_fused") return "not fused: ";
  return "";
}

/// What is float by nature, could not be fused, or was put right is told but no mistake of the user.
bool breaks_strict(const Diagnostic& diagnostic) {
  constexpr std::string_view kTold[] = {"not_fused", "float", "widened", "default_input", "imported"};
  return std::find(std::begin(kTold), std::end(kTold), diagnostic.kind) == std::end(kTold);
}

}  // namespace

int Session::threads() const { return options.threads > 0 ? options.threads : available_cores(); }

void Session::say(const std::string& text) const {
  if (!options.json) std::fputs((text + "\n").c_str(), stdout);
}

void Session::note(const std::string& text) const { spdlog::info(text); }

void Session::begin() const {
  auto logger = spdlog::stderr_color_mt("qtool");
  logger->set_pattern("qtool: %^%l%$: %v");
  spdlog::set_default_logger(logger);
  spdlog::set_level(spdlog::level::from_str(options.log_level));
  if (!options.isa.empty()) limit_instruction_set(options.isa);
  limit_memory(options.memory_limit.empty() ? default_memory_limit() : bytes_of(options.memory_limit));
  limit_loop_iterations(options.max_loop);
}

bool Session::refused() const {
  const auto& all = diagnostics.all();
  return options.strict && std::any_of(all.begin(), all.end(), breaks_strict);
}

int Session::end(int exit_code) {
  std::vector<std::pair<std::pair<std::string, std::string>, std::vector<std::string>>> groups;
  Json warnings = Json::array();
  for (const Diagnostic& each : diagnostics.all()) {
    warnings.push_back({{"kind", each.kind}, {"subject", each.subject}, {"message", each.message}});
    const auto key = std::make_pair(each.kind, each.message);
    auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& entry) { return entry.first == key; });
    if (group == groups.end()) group = groups.insert(groups.end(), {key, {}});
    group->second.push_back(each.subject);
  }
  for (const auto& [key, subjects] : groups) spdlog::warn(prefix_of(key.first) + line_of(subjects, key.second));
  if (refused() && exit_code == 0) {
    spdlog::error("--strict: a warning is an error");
    exit_code = static_cast<int>(ExitCode::gate_failed);
  }
  if (options.json) {
    report["warnings"] = std::move(warnings);
    std::fputs((report.dump(2, ' ', false, Json::error_handler_t::replace) + "\n").c_str(), stdout);
  }
  return exit_code;
}

void add_common_options(CLI::App& app, CommonOptions& options, bool with_json) {
  app.add_option("--log-level", options.log_level, "error, warning, info or debug")
      ->check(CLI::IsMember({"error", "warning", "info", "debug"}))
      ->group("Common");
  app.add_option("--threads", options.threads, "threads to use (default: all cores)")->check(CLI::PositiveNumber)->group("Common");
  app.add_option("--isa", options.isa, "instruction set that our kernels may use at most: scalar, avx2, avx512, neon, neondot, ...")
      ->envname("QTOOL_ISA")
      ->group("Common");
  app.add_option("--memory-limit", options.memory_limit, "e.g. 500M or 4G (default: 75 % of the machine)")->group("Common");
  app.add_option("--max-loop", options.max_loop, "iterations after which a Loop is taken as endless")
      ->check(CLI::PositiveNumber)
      ->capture_default_str()
      ->group("Common");
  app.add_flag("--strict", options.strict, "a warning is an error (exit 1; no model is written)")->group("Common");
  if (with_json) app.add_flag("--json", options.json, "one JSON object on stdout instead of prose")->group("Common");
}

std::string human_bytes(double bytes) {
  char text[32];
  const char* unit = bytes >= 1e6 ? "MB" : bytes >= 1e3 ? "KB" : "B";
  const double scaled = bytes >= 1e6 ? bytes / 1e6 : bytes >= 1e3 ? bytes / 1e3 : bytes;
  std::snprintf(text, sizeof(text), scaled >= 100 || bytes < 1e3 ? "%.0f %s" : "%.2f %s", scaled, unit);
  return text;
}

}  // namespace qtool::cmd
