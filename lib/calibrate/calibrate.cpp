#include "calibrate/calibrate.h"

#include <mutex>
#include <optional>
#include <unordered_map>

#include "base/interrupt.h"
#include "base/parallel.h"
#include "exec/plan.h"
#include "graph/observer.h"
#include "observe/range.h"

namespace qtool {
namespace {

Detail detail_of(const Node& observer) {
  const std::string* name = observer.string_attr("observer");
  const RangeRule* rule = name ? range_rule(*name) : nullptr;
  return rule ? rule->needs : Detail::histogram;
}

bool keeps_samples(const Node& observer) {
  const std::string* name = observer.string_attr("observer");
  return name && needs_samples(*name);
}

/// One thread: a runner and what it saw.
class Worker {
 public:
  Worker(Plan& plan, bool any_observer) : runner_(plan), any_observer_(any_observer) {
    set_engine_threads(1);
    runner_.set_observer([this](const Node& observer, const Array& value) { see(observer, value); });
  }

  void run(const Sample& sample) {
    sample_ = SampleId(sample.id);
    runner_.run(sample.inputs);
    seen_ids_.push_back(sample.id);
  }

  Stats take(const std::string& digest) {
    Stats stats;
    stats.model = digest;
    stats.samples.insert(seen_ids_.begin(), seen_ids_.end());
    for (auto& [observer, slot] : slots_) stats.tensors[slot.tensor].merge(slot.statistics);
    return stats;
  }

 private:
  struct Slot {
    std::string tensor;
    Detail detail;
    bool keeps_samples;
    TensorStatistics statistics;
  };

  void see(const Node& observer, const Array& value) {
    auto [at, fresh] = slots_.try_emplace(&observer);
    Slot& slot = at->second;
    if (fresh)
      slot = {
          observed_tensor(observer), any_observer_ ? Detail::histogram : detail_of(observer), any_observer_ || keeps_samples(observer), {}};
    slot.statistics.observe(value.tensor.floats(), sample_, slot.detail);
    if (!slot.keeps_samples) slot.statistics.samples = {};
  }

  Runner runner_;
  const bool any_observer_;
  SampleId sample_;
  std::vector<std::string> seen_ids_;
  std::unordered_map<const Node*, Slot> slots_;
};

/// Every observer gets an entry, an empty one when nothing passed it: convert can tell "never ran" from "not there".
void add_all_observers(const Model& model, Stats& stats) {
  for_each_graph(*model.graph, [&](Graph& graph) {
    for (const Node& node : graph.nodes())
      if (is_observer(node)) stats.tensors.try_emplace(observed_tensor(node));
  });
}

class Calibration {
 public:
  Calibration(const Model& prepared, const SampleSet& samples, const CalibrateOptions& options, Diagnostics& diagnostics)
      : samples_(samples), options_(options), diagnostics_(diagnostics), plan_(prepared, {options.engine, 1}, diagnostics) {
    workers_.resize(static_cast<size_t>(std::max(1, options.threads)));
  }

  CalibrateReport run(const std::string& digest) {
    parallel_for(samples_.size(), options_.threads, [&](size_t item, int worker) { one(item, static_cast<size_t>(worker)); });
    CalibrateReport report;
    report.stats.model = digest;
    for (const auto& worker : workers_)
      if (worker) report.stats.merge(worker->take(digest));
    if (options_.resume) report.stats.merge(*options_.resume);
    report.used = report.stats.samples.size();
    report.skipped = skipped_;
    report.interrupted = interrupted();
    return report;
  }

 private:
  void one(size_t item, size_t worker) {
    if (interrupted()) return;
    const std::string& id = samples_.id(item);
    if (!options_.resume || !options_.resume->samples.count(id)) use(item, worker);
    std::lock_guard lock(mutex_);
    if (options_.progress) options_.progress(++done_, samples_.size());
  }

  void use(size_t item, size_t worker) {
    if (!workers_[worker]) workers_[worker] = std::make_unique<Worker>(plan_, options_.any_observer);
    const std::optional<Sample> sample = load(item);
    if (sample) with_frame("sample " + sample->id, [&] { workers_[worker]->run(*sample); });
  }

  std::optional<Sample> load(size_t item) {
    try {
      return samples_.load(item);
    } catch (const Error& error) {
      if (options_.strict || error.code() != ExitCode::invalid_file) throw;
      diagnostics_.warn("sample_skipped", samples_.id(item), error.what());
      std::lock_guard lock(mutex_);
      ++skipped_;
      return std::nullopt;
    }
  }

  const SampleSet& samples_;
  const CalibrateOptions& options_;
  Diagnostics& diagnostics_;
  Plan plan_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::mutex mutex_;
  size_t done_ = 0, skipped_ = 0;
};

}  // namespace

CalibrateReport calibrate(const Model& prepared, const std::string& digest, const SampleSet& samples, const CalibrateOptions& options,
                          Diagnostics& diagnostics) {
  if (options.resume && options.resume->model != digest)
    throw invalid_file("the statistics to resume are of another model (" + options.resume->model + ", expected " + digest + ")");
  CalibrateReport report = Calibration(prepared, samples, options, diagnostics).run(digest);
  add_all_observers(prepared, report.stats);
  if (report.used == 0 && !report.interrupted) throw invalid_file("no usable sample among " + std::to_string(samples.size()));
  return report;
}

}  // namespace qtool
