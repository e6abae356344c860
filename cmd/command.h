#pragma once
// What every command shares: options, the report on stderr, the JSON object on stdout.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/diagnostics.h"
#include "base/error.h"

namespace CLI {
class App;
}

namespace qtool::cmd {

using Json = nlohmann::ordered_json;

struct CommonOptions {
  std::string log_level = "info";
  int threads = 0;           ///< 0: all cores
  std::string isa;           ///< empty: all that the processor has
  std::string memory_limit;  ///< "4G", "500M"; empty: 75 % of the machine
  int64_t max_loop = 1000000;
  bool strict = false;
  bool json = false;
};

/// One run of one command.
class Session {
 public:
  CommonOptions options;
  Diagnostics diagnostics;
  Json report = Json::object();  ///< printed with --json; "warnings" is added
  int threads() const;           ///< at least 1
  /// Prose on stdout, left out with --json.
  void say(const std::string& text) const;
  /// One line on stderr, kept out of --json.
  void note(const std::string& text) const;
  /// Applies --log-level, --isa, --memory-limit and --max-loop; throws Error(usage) on values that are none.
  void begin() const;
  /// Prints warnings and the JSON object; with --strict a warning turns exit code 0 into 1.
  int end(int exit_code);
  /// True where `--strict` makes a warning so far an error.
  bool refused() const;
};

/// Adds the options above to a subcommand.
void add_common_options(CLI::App& app, CommonOptions& options, bool with_json = true);

/// "2.41 MB", "318 KB".
std::string human_bytes(double bytes);

}  // namespace qtool::cmd
