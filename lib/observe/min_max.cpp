#include "observe/min_max.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "observe/json_float.h"
#include "observe/kernels/scan_count.h"

namespace qtool {
namespace {

/// For values among which some are not finite.
Seen scan_slowly(std::span<const float> values) {
  Seen seen;
  for (const float value : values) {
    if (std::isnan(value)) {
      ++seen.nan_count;
    } else if (std::isinf(value)) {
      ++seen.inf_count;
    } else {
      seen.extremes.merge({value, value});
    }
  }
  return seen;
}

}  // namespace

void MinMax::observe(std::span<const float> values, SampleId) { merge(scan(values).extremes); }

void MinMax::merge(const MinMax& other) {
  if (other.empty()) return;
  lo = std::min(lo, other.lo) + 0.0f;  // -0 becomes +0
  hi = std::max(hi, other.hi) + 0.0f;
}

nlohmann::ordered_json MinMax::to_json() const {
  if (empty()) return nullptr;
  return nlohmann::ordered_json::array({json_of(lo), json_of(hi)});
}

MinMax MinMax::from_json(const nlohmann::ordered_json& json) {
  if (json.is_null()) return {};
  if (!json.is_array() || json.size() != 2) throw invalid_file("extremes: [least, greatest] or null is expected");
  MinMax result;
  result.merge({float_of(json[0], "extremes"), float_of(json[1], "extremes")});
  if (result.empty()) throw invalid_file("extremes: the least is above the greatest");
  return result;
}

void Seen::merge(const Seen& other) {
  extremes.merge(other.extremes);
  nan_count += other.nan_count;
  inf_count += other.inf_count;
}

Seen scan(std::span<const float> values) {
  if (values.empty()) return {};
  const auto result = observe::kernels().scan(values.data(), values.size());
  if (!result.all_finite) return scan_slowly(values);
  Seen seen;
  seen.extremes.merge({result.lo, result.hi});
  return seen;
}

}  // namespace qtool
