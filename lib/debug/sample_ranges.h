#pragma once
// What is kept of a tensor's least and greatest value by sample, in a size that does not grow with the samples.

#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

namespace qtool::debug {

inline constexpr size_t kRangesListed = 256;  ///< samples whose range is told one by one
inline constexpr double kBeyond = 0.02;       ///< share of the codes' range by which a sample has to leave it to be counted

struct SampleRanges {
  size_t samples = 0;
  float lo = std::numeric_limits<float>::infinity(), hi = -std::numeric_limits<float>::infinity();
  size_t beyond = 0;                           ///< samples that leave the codes' range
  float largest = 0, second = 0;               ///< greatest and next greatest magnitude of a sample
  size_t largest_at = 0;                       ///< which sample reaches it
  std::vector<std::pair<float, float>> first;  ///< of the first kRangesListed samples

  bool empty() const { return samples == 0; }
  /// One sample. `leaves`: its values leave the codes' range by more than kBeyond.
  void add(float sample_lo, float sample_hi, bool leaves);
  /// Later samples, whose first is sample number `offset`.
  void merge(const SampleRanges& later, size_t offset);
};

}  // namespace qtool::debug
