#pragma once
// All that is kept of one activation: one calibration serves every range rule (ranges.inc). A tensor costs 32 KB and 16 bytes a sample.

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>

#include "observe/histogram.h"
#include "observe/min_max.h"
#include "observe/sample_extremes.h"

namespace qtool {

/// What calibrate collects of a tensor. `extremes` is enough for the minmax rules and costs least.
enum class Detail { extremes, histogram };

struct TensorStatistics {
  MinMax extremes;         ///< of the finite values
  Histogram histogram;     ///< empty with Detail::extremes
  SampleExtremes samples;  ///< for moving averages
  uint64_t elements = 0;   ///< all values seen, finite or not
  uint64_t nan_count = 0, inf_count = 0;

  /// No finite value was seen: the tensor has no range.
  bool empty() const { return extremes.empty(); }
  void observe(std::span<const float> values, SampleId sample, Detail detail = Detail::histogram);
  void merge(const TensorStatistics& other);
  /// Null when nothing was seen.
  nlohmann::ordered_json to_json() const;
  /// Throws Error(invalid_file) where the parts contradict each other.
  static TensorStatistics from_json(const nlohmann::ordered_json& json);
  bool operator==(const TensorStatistics&) const = default;
};

}  // namespace qtool
