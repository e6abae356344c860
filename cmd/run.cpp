// qtool run: execute any ONNX model over samples.
#include <CLI/CLI.hpp>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <functional>

#include "data/npz.h"
#include "model_args.h"
#include "onnxio/tensor_file.h"
#include "run_samples.h"

namespace qtool::cmd {
namespace {

struct Options {
  ModelArgs model;
  DataArgs data;
  std::string output, engine = "auto";
  bool expect = false;
  double rtol = 1e-3, atol = 1e-7;
};

/// Why `found` is not `expected`; empty when it is (numpy.allclose: |found - expected| <= atol + rtol * |expected|, NaN equals NaN).
std::string difference(const Tensor& found, const Tensor& expected, double rtol, double atol) {
  if (found.dtype() != expected.dtype() || found.shape() != expected.shape())
    return "expected " + std::string(name_of(expected.dtype())) + " " + to_string(expected.shape()) + ", found " +
           std::string(name_of(found.dtype())) + " " + to_string(found.shape());
  if (found == expected) return {};
  if (element_size(found.dtype()) == 0) return "values differ";
  for (int64_t i = 0; i < found.size(); ++i) {
    const double a = found.number_at(i), b = expected.number_at(i);
    if (a == b || (std::isnan(a) && std::isnan(b)) || std::fabs(a - b) <= atol + rtol * std::fabs(b)) continue;
    return "element " + std::to_string(i) + ": expected " + std::to_string(b) + ", found " + std::to_string(a);
  }
  return {};
}

/// Compares with output_K.pb beside the sample's inputs; false where one differs.
bool as_expected(const Options& options, const SampleSet& samples, size_t i, const Plan& plan, const std::vector<Tensor>& outputs,
                 Session& session) {
  bool equal = true;
  for (size_t k = 0; k < outputs.size(); ++k) {
    const auto file = samples.expected_output(i, k);
    if (!file) continue;
    const std::string found = difference(outputs[k], onnxio::load_tensor_file(*file), options.rtol, options.atol);
    if (found.empty()) continue;
    session.diagnostics.warn("differs", samples.id(i), "output \"" + plan.output_names()[k] + "\": " + found);
    equal = false;
  }
  return equal;
}

void write(const Options& options, const SampleSet& samples, size_t i, const Plan& plan, const std::vector<Tensor>& outputs) {
  std::vector<NamedTensor> arrays;
  for (size_t k = 0; k < outputs.size(); ++k)
    if (outputs[k].defined()) arrays.push_back({plan.output_names()[k], outputs[k]});
  const std::filesystem::path path = std::filesystem::path(options.output) / (samples.name(i) + ".npz");
  std::filesystem::create_directories(path.parent_path());
  write_npz(path.string(), arrays);
}

int run(const Options& options, Session& session) {
  const Model model = options.model.load();
  const SampleSet samples = options.data.open(model, {.allow_nan = options.expect});  // operator tests feed NaN
  std::error_code failed;
  if (std::filesystem::create_directories(options.output, failed); failed) throw invalid_file(options.output + ": " + failed.message());
  return with_frame(options.model.path, [&] {
    Plan plan(model, {options.engine, 1}, session.diagnostics);
    std::atomic<size_t> wrong{0};
    const SampleCounts counts = run_samples(plan, samples, session, [&](const SampleRun& each) {
      write(options, samples, each.i, plan, each.outputs);
      if (options.expect && !as_expected(options, samples, each.i, plan, each.outputs, session)) ++wrong;
    });
    session.report["engine"] = plan.engine();
    session.report["samples"] = counts.used;
    session.report["skipped"] = counts.skipped;
    if (options.expect) session.report["differ"] = wrong.load();
    session.note("ran " + std::to_string(counts.used) + " samples on " + plan.engine() + " (" + std::to_string(counts.skipped) +
                 " skipped)");
    return wrong == 0 ? 0 : static_cast<int>(ExitCode::gate_failed);
  });
}

}  // namespace

std::function<int(Session&)> add_run(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  app.description("execute a model over samples, one .npz of outputs a sample");
  app.footer("Example: qtool run int8.onnx samples/ --preprocess preprocess.json -o outputs/");
  options->model.add_to(app);
  options->data.add_to(app, false);
  app.add_option("-o,--output", options->output, "directory of the outputs")->required()->type_name("DIR");
  app.add_option("--engine", options->engine, "auto, onednn, arm or reference")->capture_default_str();
  app.add_flag("--expect", options->expect, "compare with output_K.pb beside the inputs; exit 1 where they differ");
  app.add_option("--rtol", options->rtol, "relative tolerance of --expect")->capture_default_str();
  app.add_option("--atol", options->atol, "absolute tolerance of --expect")->capture_default_str();
  add_common_options(app, session.options);
  return [options](Session& each) { return run(*options, each); };
}

}  // namespace qtool::cmd
