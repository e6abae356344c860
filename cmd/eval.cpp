// qtool eval: the accuracy of a model, alone or against its float original, as a gate.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <mutex>

#include "data/labels.h"
#include "data/metrics.h"
#include "model_args.h"
#include "onnxio/onnxio.h"
#include "run_samples.h"

namespace qtool::cmd {
namespace {

struct Options {
  ModelArgs model;
  DataArgs data;
  std::string metric = "top1", labels, baseline, output, engine = "auto";
  std::optional<double> max_drop;
};

size_t output_index(const Plan& plan, const std::string& name) {
  const auto& names = plan.output_names();
  if (name.empty()) return 0;
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) throw usage_error("--output " + name + ": the model has no such output");
  return static_cast<size_t>(found - names.begin());
}

/// One pass over the samples: scores of the model, and of the baseline beside it.
class Evaluation {
 public:
  Evaluation(const Options& options, Session& session)
      : options_(options),
        session_(session),
        kind_(*metric_named(options.metric)),
        model_(options.model.load()),
        samples_(options.data.open(model_)) {
    if (needs_labels(kind_)) labels_ = Labels::load(options.labels);
  }

  int run() {
    Metric own(kind_), base(kind_);
    Plan plan(model_, {options_.engine, 1}, session_.diagnostics);
    std::optional<Model> float_model;
    std::optional<Plan> float_plan;
    if (!options_.baseline.empty()) {
      float_model.emplace(onnxio::load(options_.baseline));
      float_plan.emplace(*float_model, PlanOptions{options_.engine, 1}, session_.diagnostics);
    }
    const ScoreOf score_labels = [&](const SampleRun& each, const Tensor& found) { return score_label(kind_, found, label(each.i)); };
    if (needs_labels(kind_)) {
      measure(plan, own, score_labels);
      if (float_plan) measure(*float_plan, base, score_labels);
    } else {
      against(plan, *float_plan, own);
    }
    if (!float_plan) return verdict(own, std::nullopt);
    return verdict(own, needs_labels(kind_) ? base.value() : perfect());
  }

 private:
  /// What a model equal to its baseline would get.
  std::optional<double> perfect() const {
    if (kind_ == MetricKind::cosine) return 1.0;
    return kind_ == MetricKind::mse ? std::optional<double>(0.0) : std::nullopt;
  }

  int64_t label(size_t i) const {
    const auto found = labels_->find(samples_.id(i));
    if (!found) throw invalid_file(options_.labels + ": has no label for sample \"" + samples_.id(i) + "\"");
    return *found;
  }

  using ScoreOf = std::function<Score(const SampleRun&, const Tensor& found)>;

  void measure(Plan& plan, Metric& metric, const ScoreOf& score_of) {
    const size_t k = output_index(plan, options_.output);
    std::mutex mutex;
    auto add = [&](size_t i, const Score& score) {
      std::lock_guard lock(mutex);
      metric.add(i, score);
    };
    counts_ = run_samples(
        plan, samples_, session_, [&](const SampleRun& each) { add(each.i, score_of(each, each.outputs[k])); },
        [&](size_t i) { add(i, {}); });
  }

  /// Scores of the model against the baseline's output for the same sample.
  void against(Plan& plan, Plan& float_plan, Metric& metric) {
    const size_t k = output_index(float_plan, options_.output);
    std::vector<std::unique_ptr<Runner>> runners(static_cast<size_t>(session_.threads()));
    measure(plan, metric, [&](const SampleRun& each, const Tensor& found) {
      auto& runner = runners[static_cast<size_t>(each.worker)];
      if (!runner) runner = std::make_unique<Runner>(float_plan);
      return score_baseline(kind_, found, runner->run(each.sample.inputs)[k]);
    });
  }

  int verdict(const Metric& own, std::optional<double> reference) {
    Json& report = session_.report;
    report["metric"] = options_.metric;
    report["value"] = own.value();
    report["samples"] = counts_.used;
    report["skipped"] = counts_.skipped;
    session_.say(options_.metric + " " + std::to_string(own.value()) + " over " + std::to_string(counts_.used) + " samples");
    if (!reference) return 0;
    const double lost = drop(kind_, *reference, own.value());
    report["baseline"] = *reference;
    report["drop"] = lost;
    session_.say("baseline " + std::to_string(*reference) + ", drop " + std::to_string(lost));
    if (!options_.max_drop || lost <= *options_.max_drop) return 0;
    session_.diagnostics.warn("gate", options_.metric,
                              "drop " + std::to_string(lost) + " is above --max-drop " + std::to_string(*options_.max_drop));
    return static_cast<int>(ExitCode::gate_failed);
  }

  const Options& options_;
  Session& session_;
  MetricKind kind_;
  Model model_;
  SampleSet samples_;
  std::optional<Labels> labels_;
  SampleCounts counts_;
};

void check(const Options& options) {
  const auto kind = metric_named(options.metric);
  if (!kind) throw usage_error("--metric " + options.metric + ": expected top1, top5, mse, cosine or sqnr");
  if (needs_labels(*kind) && options.labels.empty()) throw usage_error("--metric " + options.metric + " needs --labels FILE");
  if (!needs_labels(*kind) && options.baseline.empty()) throw usage_error("--metric " + options.metric + " needs --baseline FLOAT");
  if (options.max_drop && options.baseline.empty()) throw usage_error("--max-drop needs --baseline FLOAT");
  if (options.max_drop && *kind == MetricKind::sqnr)
    throw usage_error("--max-drop: sqnr has no best value to fall from; gate on cosine or mse");
}

}  // namespace

std::function<int(Session&)> add_eval(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  app.description("measure accuracy; with --baseline and --max-drop it is a gate");
  app.footer(
      "Example: qtool eval int8.onnx test/ --preprocess p.json --labels labels.csv --metric top1 --baseline model.onnx --max-drop 0.005");
  options->model.add_to(app);
  options->data.add_to(app, false);
  app.add_option("--metric", options->metric, "top1, top5 (with --labels); mse, cosine, sqnr (with --baseline)")->capture_default_str();
  app.add_option("--labels", options->labels, "CSV file,label")->type_name("FILE");
  app.add_option("--baseline", options->baseline, "float model to compare with")->type_name("FLOAT");
  app.add_option("--max-drop", options->max_drop, "exit 1 when the metric is worse than the baseline's by more, in the metric's unit");
  app.add_option("--output", options->output, "name of the output that is scored (default: the first)");
  app.add_option("--engine", options->engine, "auto, onednn, arm or reference")->capture_default_str();
  add_common_options(app, session.options);
  return [options](Session& each) {
    check(*options);
    return Evaluation(*options, each).run();
  };
}

}  // namespace qtool::cmd
