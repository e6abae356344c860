#include "observe/sample_extremes.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "observe/json_float.h"

namespace qtool {

void SampleExtremes::observe(std::span<const float> values, SampleId sample) { add(sample, scan(values).extremes); }

void SampleExtremes::add(SampleId sample, const MinMax& extremes) {
  if (extremes.empty()) return;
  const auto place = std::lower_bound(samples.begin(), samples.end(), sample, [](const auto& row, SampleId id) { return row.first < id; });
  if (place != samples.end() && place->first == sample)
    place->second.merge(extremes);
  else
    samples.insert(place, {sample, extremes});
}

void SampleExtremes::merge(const SampleExtremes& other) {
  std::vector<std::pair<SampleId, MinMax>> mine;
  mine.swap(samples);
  samples.reserve(mine.size() + other.samples.size());
  std::merge(mine.begin(), mine.end(), other.samples.begin(), other.samples.end(), std::back_inserter(samples),
             [](const auto& a, const auto& b) { return a.first < b.first; });
  size_t kept = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    if (kept > 0 && samples[kept - 1].first == samples[i].first)
      samples[kept - 1].second.merge(samples[i].second);
    else
      samples[kept++] = samples[i];
  }
  samples.resize(kept);
}

MinMax SampleExtremes::moving_average(double constant) const {
  MinMax average;
  const auto weight = static_cast<float>(constant);
  for (const auto& [sample, extremes] : samples) {
    if (average.empty()) {
      average = extremes;
    } else {
      average.lo += weight * (extremes.lo - average.lo);
      average.hi += weight * (extremes.hi - average.hi);
    }
  }
  return average;
}

nlohmann::ordered_json SampleExtremes::to_json() const {
  if (empty()) return nullptr;
  auto json = nlohmann::ordered_json::array();
  for (const auto& [sample, extremes] : samples) json.push_back({sample.str(), json_of(extremes.lo), json_of(extremes.hi)});
  return json;
}

SampleExtremes SampleExtremes::from_json(const nlohmann::ordered_json& json) {
  SampleExtremes result;
  if (json.is_null()) return result;
  if (!json.is_array()) throw invalid_file("samples: an array or null is expected");
  for (const auto& row : json) {
    if (!row.is_array() || row.size() != 3 || !row[0].is_string()) throw invalid_file("samples: [id, least, greatest] is expected");
    const SampleId id(row[0].get_ref<const std::string&>());
    if (!result.empty() && !(result.samples.back().first < id)) throw invalid_file("samples: \"" + id.str() + "\" is not in natural order");
    result.samples.emplace_back(id, MinMax::from_json({row[1], row[2]}));
  }
  return result;
}

}  // namespace qtool
