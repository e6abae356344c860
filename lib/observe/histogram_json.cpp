// Histogram <-> JSON: {"exponent": e, "first": i, "counts": [c, ...]}, a run of n empty bins written as -n.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "observe/histogram.h"
#include "observe/json_float.h"

namespace qtool {
namespace {

constexpr int kGreatestExponent = 117;  // the whole range of float, -2^128..2^128, in 2^12 bins

nlohmann::ordered_json runs_of(std::span<const uint64_t> counts) {
  auto runs = nlohmann::ordered_json::array();
  for (size_t i = 0; i < counts.size();) {
    size_t end = i;
    while (end < counts.size() && counts[end] == 0) ++end;
    if (end > i)
      runs.push_back(-static_cast<int64_t>(end - i));
    else
      runs.push_back(counts[end++]);
    i = end;
  }
  return runs;
}

std::vector<uint64_t> counts_of(const nlohmann::ordered_json& runs) {
  if (!runs.is_array()) throw invalid_file("histogram: counts: an array is expected");
  std::vector<uint64_t> counts;
  for (const auto& run : runs) {
    if (!run.is_number_integer()) throw invalid_file("histogram: counts: whole numbers are expected");
    const bool empty = !run.is_number_unsigned() && run.get<int64_t>() < 0;
    const uint64_t length = empty ? 0 - static_cast<uint64_t>(run.get<int64_t>()) : 1;
    if (length > Histogram::kBins - counts.size()) throw invalid_file("histogram: counts: more than 4096 bins");
    counts.insert(counts.end(), length, empty ? 0 : run.get<uint64_t>());
  }
  return counts;
}

int64_t integer_of(const nlohmann::ordered_json& json, int64_t lo, int64_t hi, const char* what) {
  const bool whole = json.is_number_integer() && !(json.is_number_unsigned() && json.get<uint64_t>() > INT64_MAX);
  if (!whole || json.get<int64_t>() < lo || json.get<int64_t>() > hi)
    throw invalid_file("histogram: " + std::string(what) + ": " + std::to_string(lo) + ".." + std::to_string(hi) + " is expected");
  return json.get<int64_t>();
}

}  // namespace

nlohmann::ordered_json Histogram::to_json() const {
  if (empty()) return nullptr;
  return {{"exponent", exponent_}, {"first", first_}, {"counts", runs_of(counts_)}};
}

Histogram Histogram::from_json(const nlohmann::ordered_json& json) {
  Histogram result;
  if (json.is_null()) return result;
  result.exponent_ = static_cast<int>(integer_of(member(json, "exponent", "histogram"), kLeastExponent, kGreatestExponent, "exponent"));
  result.first_ = integer_of(member(json, "first", "histogram"), -kBins, 0, "first");
  result.counts_ = counts_of(member(json, "counts", "histogram"));
  if (result.first_ + static_cast<int64_t>(result.counts_.size()) < 1) throw invalid_file("histogram: no bin for zero");
  for (const uint64_t count : result.counts_)
    if (__builtin_add_overflow(result.total_, count, &result.total_)) throw invalid_file("histogram: counts: too many values");
  if (result.empty()) throw invalid_file("histogram: no values");
  return result;
}

}  // namespace qtool
