#include "observe/range.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "observe/channel_min_max.h"
#include "observe/ranges/rules.h"
#include "observe/ranges/weight_mse.h"

namespace qtool {
namespace {

#define QTOOL_RANGE(name, needs, per_channel, choose) {name, needs, per_channel, ranges::choose},
constexpr RangeRule kRules[] = {
#include "observe/ranges.inc"
};
#undef QTOOL_RANGE

const RangeRule& rule_or_bug(std::string_view observer) {
  const RangeRule* rule = range_rule(observer);
  if (!rule) throw bug("observer \"" + std::string(observer) + "\" has no range rule");
  return *rule;
}

/// The values of one slice along the middle of outer x channels x inner.
void gather(std::span<const float> values, size_t channels, size_t inner, size_t channel, std::vector<float>& out) {
  out.clear();
  for (size_t at = channel * inner; at < values.size(); at += channels * inner)
    out.insert(out.end(), values.begin() + static_cast<long>(at), values.begin() + static_cast<long>(at + inner));
}

Range range_of_values(const RangeRule& rule, std::span<const float> values, const RangeOptions& options) {
  if (rule.name == "mse" && options.symmetric) return ranges::least_squares_of_weight(values, options);
  TensorStatistics statistics;
  statistics.observe(values, {}, rule.needs);
  return rule.choose(statistics, options).value_or(Range{});
}

std::vector<Range> extremes_of_channels(const Tensor& weight, int axis) {
  ChannelMinMax seen;
  seen.observe(weight, axis);
  std::vector<Range> result;
  for (const MinMax& channel : seen.channels) result.push_back(channel.empty() ? Range{} : Range{channel.lo, channel.hi});
  return result;
}

float power_of_two_above(float scale) {
  int exponent = 0;
  const float mantissa = std::frexp(scale, &exponent);
  return std::ldexp(1.0f, mantissa == 0.5f ? exponent - 1 : exponent);
}

}  // namespace

std::span<const RangeRule> range_rules() { return kRules; }

const RangeRule* range_rule(std::string_view observer) {
  const auto rule = std::find_if(std::begin(kRules), std::end(kRules), [&](const RangeRule& row) { return row.name == observer; });
  return rule == std::end(kRules) ? nullptr : rule;
}

bool needs_samples(std::string_view observer) { return observer.starts_with("moving_average"); }

std::optional<Range> choose_range(std::string_view observer, const TensorStatistics& statistics, const RangeOptions& options) {
  const RangeRule& rule = rule_or_bug(observer);
  if (!statistics.empty() && rule.needs == Detail::histogram && statistics.histogram.empty())
    throw invalid_file("observer \"" + std::string(observer) + "\" needs a histogram, the statistics hold extremes only");
  if (!statistics.empty() && needs_samples(observer) && statistics.samples.empty())
    throw invalid_file("observer \"" + std::string(observer) +
                       "\" needs the extremes of every sample: calibrate with it in the qconfig, or with --any-observer");
  return rule.choose(statistics, options);
}

std::vector<Range> choose_weight_ranges(std::string_view observer, const Tensor& weight, int axis, const RangeOptions& options) {
  const RangeRule& rule = rule_or_bug(observer);
  if (axis < 0) return {range_of_values(rule, weight.floats(), options)};
  if (rule.needs == Detail::extremes) return extremes_of_channels(weight, axis);
  const auto at = static_cast<size_t>(normalize_axis(axis, weight.rank()));
  const auto channels = static_cast<size_t>(weight.shape()[at]);
  const auto inner = static_cast<size_t>(product(weight.shape(), at + 1, weight.rank()));
  std::vector<Range> result;
  std::vector<float> values;
  for (size_t channel = 0; channel < channels; ++channel) {
    gather(weight.floats(), channels, inner, channel, values);
    result.push_back(range_of_values(rule, values, options));
  }
  return result;
}

QuantParams params_of_range(Range range, DType dtype, CodeRange codes, bool symmetric, float eps, bool power_of_two) {
  if (symmetric) {
    QuantParams params = symmetric_params(range.lo, range.hi, dtype, codes, eps);
    if (power_of_two) params.scales[0] = power_of_two_above(params.scale());
    return params;
  }
  QuantParams params = affine_params(range.lo, range.hi, dtype, codes, eps);
  if (!power_of_two) return params;
  params.scales[0] = power_of_two_above(params.scale());
  const double zero = static_cast<double>(codes.lo) - std::nearbyint(static_cast<double>(std::min(range.lo, 0.0f) / params.scale()));
  params.zero_points[0] = static_cast<int32_t>(std::clamp(zero, static_cast<double>(codes.lo), static_cast<double>(codes.hi)));
  return params;
}

QuantParams params_of_ranges(std::span<const Range> ranges, int axis, DType dtype, CodeRange codes, bool symmetric, float eps,
                             bool power_of_two) {
  QuantParams all{dtype, axis, {}, {}};
  for (const Range& range : ranges) {
    const QuantParams one = params_of_range(range, dtype, codes, symmetric, eps, power_of_two);
    all.scales.push_back(one.scale());
    all.zero_points.push_back(one.zero_point());
  }
  return all;
}

}  // namespace qtool
