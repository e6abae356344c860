#pragma once
// Extremes of every sample, so that a moving average can be folded in the order of the samples' names, whatever order, thread or
// shard saw them. 16 bytes a sample.

#include <utility>
#include <vector>

#include "observe/min_max.h"

namespace qtool {

struct SampleExtremes {
  std::vector<std::pair<SampleId, MinMax>> samples;  ///< sorted by id; no empty MinMax

  bool empty() const { return samples.empty(); }
  void observe(std::span<const float> values, SampleId sample);
  void add(SampleId sample, const MinMax& extremes);
  void merge(const SampleExtremes& other);
  /// torch.ao's MovingAverageMinMaxObserver: the first sample sets both ends, every further moves them by `constant` of the way.
  MinMax moving_average(double constant) const;
  /// [[id, least, greatest], ...] in natural order of the ids, or null.
  nlohmann::ordered_json to_json() const;
  static SampleExtremes from_json(const nlohmann::ordered_json& json);
  bool operator==(const SampleExtremes&) const = default;
};

}  // namespace qtool
