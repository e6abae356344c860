#pragma once
// Counts of values in bins 2^exponent wide and anchored at zero: bin i holds [i, i + 1) * 2^exponent. The exponent is the least that lets
// kBins bins cover zero and every value seen, so it depends on the extremes alone; widening adds whole bins. Hence any order, split and
// merge of the same values gives the same histogram to the bit.

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <vector>

#include "observe/min_max.h"

namespace qtool {

class Histogram {
 public:
  static constexpr int kBins = 4096;           ///< bins kept; a range from zero uses more than half of them
  static constexpr int kLeastExponent = -120;  ///< smaller values all fall into bins 0 and -1

  bool empty() const { return total_ == 0; }
  int exponent() const { return exponent_; }
  double bin_width() const;                                     ///< 2^exponent
  int64_t first_bin() const { return first_; }                  ///< index of counts()[0]
  std::span<const uint64_t> counts() const { return counts_; }  ///< bins from that of the least value or zero to the greatest or zero
  uint64_t total() const { return total_; }

  /// Counts the finite values and tells what it saw.
  Seen observe(std::span<const float> values, SampleId sample = {});
  void merge(const Histogram& other);
  /// The same counts in bins 2^exponent wide; not below exponent().
  Histogram widened(int exponent) const;

  /// {"exponent": e, "first": i, "counts": [c, ...]}, a run of n empty bins written as -n; null when empty.
  nlohmann::ordered_json to_json() const;
  static Histogram from_json(const nlohmann::ordered_json& json);
  bool operator==(const Histogram&) const = default;

 private:
  bool covers(const MinMax& extremes) const;
  void cover(const MinMax& extremes);
  void cover_bins(int exponent, int64_t first, int64_t last);
  void count(std::span<const float> finite, bool few);
  int exponent_ = kLeastExponent;
  int64_t first_ = 0;
  uint64_t total_ = 0;
  std::vector<uint64_t> counts_;  ///< bins min(least, 0) to max(greatest, 0)
};

/// Bin of a finite value: floor(value / 2^exponent), exactly; within +-2^62.
int64_t bin_of(float value, int exponent);

}  // namespace qtool
