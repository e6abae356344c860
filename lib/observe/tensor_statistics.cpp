#include "observe/tensor_statistics.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "observe/json_float.h"

namespace qtool {
namespace {

/// What observe() keeps true of any statistic.
void check(const TensorStatistics& statistics) {
  const auto& histogram = statistics.histogram;
  if (statistics.nan_count > statistics.elements || statistics.inf_count > statistics.elements - statistics.nan_count)
    throw invalid_file("statistics: more values that are not finite than values");
  const uint64_t finite = statistics.elements - statistics.nan_count - statistics.inf_count;
  if (statistics.empty() != (finite == 0)) throw invalid_file("statistics: extremes do not fit the number of values");
  if (histogram.empty()) return;
  if (histogram.total() != finite) throw invalid_file("statistics: the histogram does not hold all values");
  const auto [lo, hi] = statistics.extremes;
  const auto last = histogram.first_bin() + static_cast<int64_t>(histogram.counts().size()) - 1;
  if (std::min<int64_t>(bin_of(lo, histogram.exponent()), 0) != histogram.first_bin() ||
      std::max<int64_t>(bin_of(hi, histogram.exponent()), 0) != last)
    throw invalid_file("statistics: the histogram does not reach from the least to the greatest value");
}

/// Collected without the extremes of each sample: with those of other samples alone a moving average would be wrong.
bool forgot_samples(const TensorStatistics& statistics) { return !statistics.empty() && statistics.samples.empty(); }

}  // namespace

void TensorStatistics::observe(std::span<const float> values, SampleId sample, Detail detail) {
  const Seen seen = detail == Detail::histogram ? histogram.observe(values) : scan(values);
  extremes.merge(seen.extremes);
  samples.add(sample, seen.extremes);
  elements += values.size();
  nan_count += seen.nan_count;
  inf_count += seen.inf_count;
}

void TensorStatistics::merge(const TensorStatistics& other) {
  if (forgot_samples(*this) || forgot_samples(other))
    samples = {};
  else
    samples.merge(other.samples);
  extremes.merge(other.extremes);
  histogram.merge(other.histogram);
  elements += other.elements;
  nan_count += other.nan_count;
  inf_count += other.inf_count;
}

nlohmann::ordered_json TensorStatistics::to_json() const {
  if (elements == 0) return nullptr;
  return {{"elements", elements},
          {"nan", nan_count},
          {"inf", inf_count},
          {"extremes", extremes.to_json()},
          {"samples", samples.to_json()},
          {"histogram", histogram.to_json()}};
}

TensorStatistics TensorStatistics::from_json(const nlohmann::ordered_json& json) {
  TensorStatistics result;
  if (json.is_null()) return result;
  result.elements = count_of(member(json, "elements", "statistics"), "elements");
  result.nan_count = count_of(member(json, "nan", "statistics"), "nan");
  result.inf_count = count_of(member(json, "inf", "statistics"), "inf");
  result.extremes = MinMax::from_json(member(json, "extremes", "statistics"));
  result.samples = SampleExtremes::from_json(member(json, "samples", "statistics"));
  result.histogram = Histogram::from_json(member(json, "histogram", "statistics"));
  check(result);
  return result;
}

}  // namespace qtool
