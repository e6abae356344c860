#pragma once
// One pass over the samples: three lanes of the skeleton side by side.
//
//   exact       weights and activations of FLOAT
//   cumulative  weights of INT8, every site rounds: INT8, but for the order of additions
//   isolated    a node alone: its inputs exact, its weights and its output INT8's
//
// An operator runs three times a sample, its inputs are dropped with their last reader.

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "debug/loss.h"
#include "debug/network.h"
#include "debug/rounding.h"
#include "debug/sample_ranges.h"
#include "observe/histogram.h"

namespace qtool::debug {

/// A node over all samples. Nodes that are not quantized have empty ones.
struct NodeMeasure {
  LossSum cumulative, isolated;
  uint64_t below = 0, above = 0;                 ///< exact values more than half a step outside the representable range
  Histogram histogram;                           ///< of the exact values
  CodeCounts codes;                              ///< of the cumulative lane
  SampleRanges ranges;                           ///< of the exact values
  std::vector<std::pair<float, float>> scatter;  ///< exact, cumulative: evenly taken from the first sample
};

/// The network's outputs of one sample, all together.
struct SampleMeasure {
  std::string id;
  LossSum loss;          ///< INT8 against FLOAT, by the engine
  bool same_top = true;  ///< the first output has its largest element in the same place
};

struct Measures {
  std::vector<NodeMeasure> nodes;
  std::vector<SampleMeasure> samples;
  LossSum outputs;  ///< cumulative lane against exact lane, all samples
};

/// One sample as taken through the lanes; merged in the order of the samples, so that sums do not depend on threads.
struct SampleResult {
  std::vector<NodeMeasure> nodes;  ///< histogram and codes empty: those merge exactly and stay with the thread
  LossSum outputs;
  std::vector<Tensor> exact_outputs, rounded_outputs;
};

/// One thread.
class LaneRunner {
 public:
  explicit LaneRunner(const Network& network);
  ~LaneRunner();
  /// inputs: one a placeholder of the skeleton.
  SampleResult run(std::span<const Tensor> inputs);
  /// Adds histograms and codes of all samples this thread has seen.
  void add_counts_to(Measures& measures) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Adds one sample; call in the order of the samples.
void merge(Measures& measures, SampleResult result);

}  // namespace qtool::debug
