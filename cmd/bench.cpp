// qtool bench: latency of a model, alone or against another, and where the time goes.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <functional>
#include <random>

#include "bench_report.h"
#include "exec/plan.h"
#include "model_args.h"
#include "onnxio/onnxio.h"
#include "run_samples.h"

namespace qtool::cmd {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  ModelArgs model;
  std::string baseline, engine = "auto", preprocess;
  std::vector<std::string> data, shapes;
  int64_t batch = 1;
  double seconds = 1.0;
  bool profile = false, primitives = false;
};

Shape parse_shape(const std::string& text) {
  Shape shape;
  size_t at = 0;
  while (at < text.size()) {
    const size_t end = std::min(text.find('x', at), text.size());
    const std::string part = text.substr(at, end - at);
    if (part.empty() || part.find_first_not_of("0123456789") != std::string::npos || part.size() > 12)
      throw usage_error("--shape: \"" + text + "\" is not a shape like 1x3x224x224");
    shape.push_back(std::stoll(part));
    at = end + 1;
  }
  return shape;
}

std::optional<Shape> shape_given(const Options& options, const std::string& input) {
  for (const std::string& item : options.shapes) {
    const size_t equals = item.rfind('=');
    if (equals == std::string::npos) throw usage_error("--shape \"" + item + "\": expected NAME=1x3x224x224");
    if (item.substr(0, equals) == input) return parse_shape(item.substr(equals + 1));
  }
  return std::nullopt;
}

/// Dynamic first dimension: --batch; any other dynamic one must be given.
Shape shape_of(const Options& options, const InputSpec& input) {
  if (const auto given = shape_given(options, input.name)) return *given;
  Shape shape = input.dims;
  if (!input.has_rank) throw usage_error("input " + describe(input) + " has no rank: give --shape " + input.name + "=...");
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] >= 0) continue;
    if (i > 0) throw usage_error("input " + describe(input) + " is dynamic: give --shape " + input.name + "=... or --data DIR");
    shape[i] = options.batch;
  }
  return shape;
}

/// Standard normal floats; small non-negative integers (indices must stay in range).
Tensor random_tensor(DType dtype, const Shape& shape, std::mt19937& generator) {
  Tensor values(DType::float32, shape);
  std::normal_distribution<float> normal;
  for (float& value : values.mutable_data<float>()) value = is_floating(dtype) ? normal(generator) : static_cast<float>(generator() % 2);
  return values.cast(dtype);
}

std::vector<Tensor> inputs_for(const Options& options, const Model& model, Session& session) {
  const std::vector<InputSpec> specs = input_specs(model);
  if (!options.data.empty()) {
    std::optional<Preprocess> steps;
    if (!options.preprocess.empty()) steps = load_preprocess(options.preprocess);
    const SampleSet samples(options.data, specs, steps);
    for (size_t i = 0; i < samples.size(); ++i)
      if (auto sample = load_or_skip(samples, i, session)) return sample->inputs;
    throw invalid_file("--data: no usable sample");
  }
  std::mt19937 generator(0);
  std::vector<Tensor> inputs;
  for (const InputSpec& spec : specs) inputs.push_back(random_tensor(spec.dtype, shape_of(options, spec), generator));
  return inputs;
}

/// One model under measurement.
class Contender {
 public:
  Contender(Model model, const Options& options, Session& session)
      : plan_(model, {options.engine, session.threads()}, session.diagnostics),
        runner_(plan_),
        inputs_(inputs_for(options, model, session)) {
    set_engine_threads(session.threads());
    for (int i = 0; i < 3; ++i) runner_.run(inputs_);
  }

  void measure(double seconds) {
    const auto begin = Clock::now();
    size_t runs = 0;
    while (runs < 5 || std::chrono::duration<double>(Clock::now() - begin).count() < seconds) {
      const auto start = Clock::now();
      runner_.run(inputs_);
      times_.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
      ++runs;
    }
  }

  /// Per node the least time of some runs.
  std::vector<StepProfile> profile() {
    runner_.enable_profile();
    std::vector<StepProfile> best;
    for (int i = 0; i < 20; ++i) {
      runner_.run(inputs_);
      std::vector<StepProfile> now = runner_.profile();
      if (best.size() != now.size()) best = now;
      for (size_t k = 0; k < now.size(); ++k) best[k].us = std::min(best[k].us, now[k].us);
    }
    return best;
  }

  Latency latency() const { return summarize(times_); }
  const std::string& engine() const { return plan_.engine(); }

 private:
  Plan plan_;
  Runner runner_;
  std::vector<Tensor> inputs_;
  std::vector<double> times_;
};

int run(const Options& options, Session& session) {
  constexpr int kRounds = 5;
  Contender own(options.model.load(), options, session);
  std::optional<Contender> other;
  if (!options.baseline.empty()) other.emplace(onnxio::load(options.baseline), options, session);
  for (int round = 0; round < kRounds; ++round) {
    own.measure(options.seconds / kRounds);
    if (other) other->measure(options.seconds / kRounds);
  }
  session.report["engine"] = own.engine();
  session.report["threads"] = session.threads();
  add_latency(session.report, own.latency());
  session.say(options.model.path + " on " + own.engine() + ": " + in_words(own.latency()));
  if (other) {
    const double ratio = own.latency().median_us / other->latency().median_us;
    add_latency(session.report["baseline"] = Json::object(), other->latency());
    session.report["ratio"] = ratio;
    session.say(options.baseline + ": " + in_words(other->latency()));
    session.say("ratio of the medians: " + std::to_string(ratio));
  }
  if (options.profile || options.primitives) report_profile(own.profile(), session);
  if (options.primitives) report_primitives(own.profile(), own.engine(), session);
  return 0;
}

}  // namespace

std::function<int(Session&)> add_bench(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  app.description("latency of a model; with --profile by node and kernel");
  app.footer("Example: qtool bench int8.onnx --baseline model.onnx --data samples/ --threads 1 --profile");
  options->model.add_to(app);
  app.add_option("--baseline", options->baseline, "another model, measured in turns with the first")->type_name("OTHER");
  app.add_option("--data", options->data, "take the input from the first usable sample")->type_name("DIR");
  app.add_option("--preprocess", options->preprocess, "preprocess.json for pictures")->type_name("FILE");
  app.add_option("--shape", options->shapes, "shape of a random input")->type_name("NAME=1x3x224x224");
  app.add_option("--batch", options->batch, "first dimension where it is dynamic")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--seconds", options->seconds, "how long to measure each model")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--engine", options->engine, "auto, onednn, arm or reference")->capture_default_str();
  app.add_flag("--profile", options->profile,
               "time, kernel and MACs of every node, and how far the whole is from what this machine can do");
  app.add_flag("--primitives", options->primitives,
               "also each convolution and matrix product timed alone as one primitive of the engine's library");
  add_common_options(app, session.options);
  return [options](Session& each) { return run(*options, each); };
}

}  // namespace qtool::cmd
