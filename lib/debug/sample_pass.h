#pragma once
// The samples, several at a time, through the lanes and through the int8 engine.

#include <map>
#include <memory>
#include <mutex>

#include "debug/measure.h"
#include "debug/sensitivity.h"
#include "exec/plan.h"

namespace qtool::debug {

class SamplePass {
 public:
  SamplePass(const Network& network, const Model& float_model, const Model& int8, const SampleSet& samples,
             const SensitivityOptions& options, Diagnostics& diagnostics);
  /// Throws Error(invalid_file) when no sample is usable.
  void run();
  const Measures& measures() const { return measures_; }
  /// FLOAT against the exact lane, first usable sample.
  const LossSum& exactness() const { return exactness_; }
  const std::string& engine() const { return int8_plan_.engine(); }

  /// A sample's inputs as the skeleton's plans take them: one a placeholder.
  std::vector<Tensor> placed(const Sample& sample) const;
  /// As the int8 model's plan takes them.
  std::vector<Tensor> in_order_of_int8(const Sample& sample) const;
  /// Places of the first `count` samples that were usable.
  std::vector<size_t> first_used(size_t count) const;
  int threads() const { return options_.threads; }
  /// Nothing when the sample is unusable, which is said.
  std::optional<Sample> load(size_t i);

 private:
  struct Worker {
    Worker(const Network& network, Plan& int8);
    LaneRunner lanes;
    Runner engine;
  };
  struct Outcome {
    SampleResult result;
    SampleMeasure measure;
    std::vector<Tensor> inputs;
  };
  void one(size_t i, size_t worker);
  Outcome outcome_of(const Sample& sample, Worker& worker);
  void keep(size_t i, std::optional<Outcome> outcome);
  void take(Outcome outcome);

  const Network& network_;
  const SampleSet& samples_;
  const SensitivityOptions& options_;
  Diagnostics& diagnostics_;
  Plan float_plan_, int8_plan_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::mutex mutex_;
  std::map<size_t, std::optional<Outcome>> early_;
  size_t next_ = 0, done_ = 0;
  Measures measures_;
  LossSum exactness_;
  std::vector<size_t> used_;
};

}  // namespace qtool::debug
