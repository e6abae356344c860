#include "debug/sample_pass.h"

#include <algorithm>

#include "base/interrupt.h"
#include "base/parallel.h"

namespace qtool::debug {
namespace {

LossSum difference(const std::vector<Tensor>& real, const std::vector<Tensor>& found) {
  LossSum sum;
  for (size_t k = 0; k < real.size() && k < found.size(); ++k)
    if (real[k].dtype() == DType::float32 && found[k].dtype() == DType::float32 && real[k].shape() == found[k].shape())
      sum.add(real[k].floats().data(), found[k].floats().data(), real[k].floats().size());
  return sum;
}

size_t top(const Tensor& tensor) {
  const auto values = tensor.floats();
  return static_cast<size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

bool same_top(const std::vector<Tensor>& real, const std::vector<Tensor>& found) {
  if (real.empty() || found.empty() || real[0].dtype() != DType::float32 || found[0].dtype() != DType::float32) return true;
  return top(real[0]) == top(found[0]);
}

}  // namespace

SamplePass::Worker::Worker(const Network& network, Plan& int8) : lanes(network), engine(int8) { set_engine_threads(1); }

SamplePass::SamplePass(const Network& network, const Model& float_model, const Model& int8, const SampleSet& samples,
                       const SensitivityOptions& options, Diagnostics& diagnostics)
    : network_(network),
      samples_(samples),
      options_(options),
      diagnostics_(diagnostics),
      float_plan_(float_model, {options.engine, 1}, diagnostics),
      int8_plan_(int8, {options.engine, 1}, diagnostics),
      workers_(static_cast<size_t>(std::max(1, options.threads))) {}

void SamplePass::run() {
  parallel_for(samples_.size(), options_.threads, [&](size_t i, int worker) { one(i, static_cast<size_t>(worker)); });
  if (measures_.samples.empty()) throw invalid_file("no usable sample among " + std::to_string(samples_.size()));
  for (const auto& worker : workers_)
    if (worker) worker->lanes.add_counts_to(measures_);
  workers_.clear();
}

void SamplePass::one(size_t i, size_t worker) {
  if (interrupted()) throw Error(ExitCode::interrupted, "interrupted");
  if (!workers_[worker]) workers_[worker] = std::make_unique<Worker>(network_, int8_plan_);
  const std::optional<Sample> sample = load(i);
  std::optional<Outcome> outcome;
  if (sample) outcome = with_frame("sample " + sample->id, [&] { return outcome_of(*sample, *workers_[worker]); });
  keep(i, std::move(outcome));
}

std::optional<Sample> SamplePass::load(size_t i) {
  try {
    return samples_.load(i);
  } catch (const Error& error) {
    if (options_.strict || error.code() != ExitCode::invalid_file) throw;
    diagnostics_.warn("sample_skipped", samples_.id(i), error.what());
    return std::nullopt;
  }
}

std::vector<Tensor> SamplePass::placed(const Sample& sample) const {
  const auto placeholders = network_.model().graph->placeholders();
  std::vector<Tensor> inputs(placeholders.size());
  const auto& names = float_plan_.input_names();
  for (size_t k = 0; k < names.size() && k < sample.inputs.size(); ++k)
    for (size_t i = 0; i < placeholders.size(); ++i)
      if (placeholders[i]->out(0)->name() == names[k]) inputs[i] = sample.inputs[k];
  return inputs;
}

std::vector<Tensor> SamplePass::in_order_of_int8(const Sample& sample) const {
  std::vector<Tensor> inputs;
  const auto& names = float_plan_.input_names();
  for (const std::string& name : int8_plan_.input_names()) {
    const auto at = static_cast<size_t>(std::find(names.begin(), names.end(), name) - names.begin());
    inputs.push_back(at < sample.inputs.size() ? sample.inputs[at] : Tensor());
  }
  return inputs;
}

SamplePass::Outcome SamplePass::outcome_of(const Sample& sample, Worker& worker) {
  Outcome outcome;
  outcome.result = worker.lanes.run(placed(sample));
  const std::vector<Tensor> found = worker.engine.run(in_order_of_int8(sample));
  outcome.measure = {sample.id, difference(outcome.result.exact_outputs, found), same_top(outcome.result.exact_outputs, found)};
  outcome.inputs = sample.inputs;
  return outcome;
}

void SamplePass::keep(size_t i, std::optional<Outcome> outcome) {
  std::lock_guard lock(mutex_);
  early_.emplace(i, std::move(outcome));
  for (auto at = early_.find(next_); at != early_.end(); at = early_.find(++next_)) {
    if (at->second) {
      used_.push_back(next_);
      take(std::move(*at->second));
    }
    early_.erase(at);
  }
  if (options_.progress) options_.progress(++done_, samples_.size());
}

std::vector<size_t> SamplePass::first_used(size_t count) const {
  return {used_.begin(), used_.begin() + static_cast<std::ptrdiff_t>(std::min(count, used_.size()))};
}

void SamplePass::take(Outcome outcome) {
  if (measures_.samples.empty()) exactness_ = difference(Runner(float_plan_).run(outcome.inputs), outcome.result.exact_outputs);
  merge(measures_, std::move(outcome.result));
  measures_.samples.push_back(std::move(outcome.measure));
}

}  // namespace qtool::debug
