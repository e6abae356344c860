#pragma once
// Options that several commands have: the model, the samples, qconfig and backend.

#include <optional>
#include <string>
#include <vector>

#include "command.h"
#include "config/backend.h"
#include "config/qconfig.h"
#include "data/sample_set.h"
#include "graph/model.h"
#include "observe/stats.h"
#include "quantize/convert.h"

namespace qtool::cmd {

struct ModelArgs {
  std::string path, base_dir;
  void add_to(CLI::App& app, const std::string& help = "ONNX model; - is stdin");
  Model load() const;
};

struct OutputArgs {
  std::string path;
  bool external_data = false;
  void add_to(CLI::App& app, const std::string& help);
  /// Throws Error(usage) when the model and --json would both go to stdout.
  void check(const Session& session) const;
  void save(const Model& model) const;
  /// As save; nothing where `--strict` makes a warning so far an error.
  void save_unless_refused(const Model& model, const Session& session) const;
};

struct DataArgs {
  std::vector<std::string> paths;
  std::string preprocess, shard;
  std::optional<size_t> limit;
  void add_to(CLI::App& app, bool required);
  /// The samples for this model's inputs.
  SampleSet open(const Model& model, SampleOptions options = {}) const;
};

struct ConfigArgs {
  std::string qconfig, backend = "x86";
  void add_to(CLI::App& app);
  QConfigMapping load_qconfig() const;  ///< default: the qconfig named like the backend
  BackendConfig load_backend() const;
};

/// `--mode`, `--wrap` and `--freeze`, of the commands that prepare.
struct PrepareArgs {
  std::string mode;  ///< empty: not given
  std::vector<std::string> wrap;
  bool freeze = false, complete = false;
  void add_to(CLI::App& app);
};

/// What convert did, into the JSON object.
void report_convert(const ConvertReport& result, Session& session);

/// Statistics inside a prepared model, or from a file; checked against the model. `digest`: of the model without them.
Stats load_stats(const Model& model, const std::string& path, const std::string& digest);

/// SHA-256 of the model without statistics inside.
std::string digest_of_prepared(const Model& model);

/// Graph inputs that are no initializers, as the sample reader takes them.
std::vector<InputSpec> input_specs(const Model& model);

}  // namespace qtool::cmd
