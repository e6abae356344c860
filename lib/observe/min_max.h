#pragma once
// Least and greatest value seen. NaN and infinities are left out; -0 counts as +0.

#include <cstdint>
#include <limits>
#include <nlohmann/json_fwd.hpp>
#include <span>

#include "observe/sample_id.h"

namespace qtool {

struct MinMax {
  float lo = std::numeric_limits<float>::infinity();
  float hi = -std::numeric_limits<float>::infinity();

  bool empty() const { return lo > hi; }
  void observe(std::span<const float> values, SampleId sample = {});
  void merge(const MinMax& other);
  /// [lo, hi], or null when empty.
  nlohmann::ordered_json to_json() const;
  /// Throws Error(invalid_file).
  static MinMax from_json(const nlohmann::ordered_json& json);
  bool operator==(const MinMax&) const = default;
};

/// One look at some values: extremes of the finite ones, and how many are not.
struct Seen {
  MinMax extremes;
  uint64_t nan_count = 0, inf_count = 0;
  void merge(const Seen& other);
};
Seen scan(std::span<const float> values);

}  // namespace qtool
