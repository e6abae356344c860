#include "model_args.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "base/output_file.h"
#include "onnxio/onnxio.h"
#include "quantize/observers.h"
#include "quantize/prepare.h"

namespace qtool::cmd {
namespace {

std::pair<size_t, size_t> parse_shard(const std::string& text) {
  size_t i = 0, n = 0;
  char rest = 0;
  if (std::sscanf(text.c_str(), "%zu/%zu%c", &i, &n, &rest) != 2 || n == 0 || i > n)
    throw usage_error("--shard \"" + text + "\": expected I/N with I at most N, like 0/4");
  return {i, n};
}

}  // namespace

void ModelArgs::add_to(CLI::App& app, const std::string& help) {
  app.add_option("model", path, help)->required()->type_name("MODEL");
  app.add_option("--base-dir", base_dir, "directory of external data, for a model read from stdin");
}

Model ModelArgs::load() const { return onnxio::load(path, {base_dir}); }

void OutputArgs::add_to(CLI::App& app, const std::string& help) {
  app.add_option("-o,--output", path, help + "; - is stdout")->required()->type_name("FILE");
  app.add_flag("--external-data", external_data, "write weights to FILE.data whatever their size");
}

void OutputArgs::check(const Session& session) const {
  if (path == "-" && session.options.json) throw usage_error("-o - and --json both want stdout");
}

void OutputArgs::save(const Model& model) const { onnxio::save(model, path, {external_data}); }

void OutputArgs::save_unless_refused(const Model& model, const Session& session) const {
  if (!session.refused()) save(model);
}

void DataArgs::add_to(CLI::App& app, bool required) {
  auto* option = app.add_option("data", paths, "directories or files of samples (.npy .npz .pb .png .jpg .bmp .bin)")->type_name("DATA");
  if (required) option->required();
  app.add_option("--preprocess", preprocess, "preprocess.json: how pictures become tensors")->type_name("FILE");
  app.add_option("--limit", limit, "use the first N samples");
  app.add_option("--shard", shard, "use every N-th sample, beginning with the I-th")->type_name("I/N");
}

SampleSet DataArgs::open(const Model& model, SampleOptions options) const {
  std::optional<Preprocess> steps;
  if (!preprocess.empty()) steps = load_preprocess(preprocess);
  SampleSet samples(paths, input_specs(model), steps, options);
  if (limit) samples = samples.limit(*limit);
  if (shard.empty()) return samples;
  const auto [i, n] = parse_shard(shard);
  return samples.shard(i, n);
}

void ConfigArgs::add_to(CLI::App& app) {
  app.add_option("--qconfig", qconfig, "name or JSON file (default: the backend's; dynamic, weight-only-int8 in those modes)")
      ->type_name("NAME|FILE");
  app.add_option("--backend", backend, "name or JSON file")->capture_default_str()->type_name("NAME|FILE");
}

QConfigMapping ConfigArgs::load_qconfig() const {
  if (!qconfig.empty()) return QConfigMapping::load(qconfig);
  const std::string name = load_backend().name;
  for (const std::string& known : QConfigMapping::built_in_names())
    if (known == name) return QConfigMapping::built_in(name);
  return QConfigMapping::built_in("x86");
}

BackendConfig ConfigArgs::load_backend() const { return BackendConfig::load(backend); }

void PrepareArgs::add_to(CLI::App& app) {
  app.add_option("--mode", mode,
                 "static: weights and activations, calibrated; dynamic: activations at run time; weight-only: activations stay float. "
                 "The last two need no data (default: what the qconfig is made for)")
      ->check(CLI::IsMember({"static", "dynamic", "weight-only"}));
  app.add_option("--wrap", wrap, "keep these nodes as they are: re:REGEX, name:NODE, type:OP, A..B");
  app.add_flag("--complete", complete, "of a model with Q/DQ of its own, quantize what they leave float too");
  app.add_flag("--freeze", freeze, "initializers that are graph inputs too become constant");
}

void report_convert(const ConvertReport& result, Session& session) {
  session.report["quantized_nodes"] = result.quantized_calls;
  session.report["float_nodes"] = result.float_calls;
  session.report["quantized_tensors"] = result.tensors;
  session.report["stored_weights"] = result.tables;
}

std::string digest_of_prepared(const Model& model) {
  if (!model.find_metadata(kStatsKey)) return onnxio::digest(model);
  Model bare = copy(model);
  bare.remove_metadata(kStatsKey);
  return onnxio::digest(bare);
}

Stats load_stats(const Model& model, const std::string& path, const std::string& digest) {
  const std::string* inside = model.find_metadata(kStatsKey);
  if (path.empty() && !inside && !observes(model)) return {};
  if (path.empty() && !inside) throw usage_error("no statistics: give --stats FILE, or a model with statistics inside");
  const std::string source = path.empty() ? std::string("metadata ") + kStatsKey : path;
  Stats stats = Stats::parse(path.empty() ? *inside : read_input(path), source);
  if (stats.model != digest)
    throw invalid_file(source + ": statistics of another model (its prepared model has SHA-256 " + stats.model.substr(0, 12) +
                       "..., this one " + digest.substr(0, 12) + "...)");
  return stats;
}

std::vector<InputSpec> input_specs(const Model& model) {
  std::vector<InputSpec> specs;
  for (const Node* node : model.graph->placeholders()) {
    if (node->weight) continue;
    const Value& value = *node->out(0);
    InputSpec spec;
    spec.name = value.name();
    spec.dtype = value.type.dtype;
    spec.has_rank = value.type.dims.has_value();
    if (value.type.dims)
      for (const Dim& dim : *value.type.dims) spec.dims.push_back(dim.known() ? dim.value : -1);
    specs.push_back(spec);
  }
  return specs;
}

}  // namespace qtool::cmd
