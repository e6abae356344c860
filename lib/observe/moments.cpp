#include "observe/moments.h"

#include <algorithm>
#include <cmath>

namespace qtool {
namespace {

/// Beyond as many steps the error inside the range is taken as scale^2 / 12 a value.
constexpr double kExactSteps = 4096;

Histogram coarse(const Histogram& histogram, int bins) {
  Histogram result = histogram;
  while (result.counts().size() > static_cast<size_t>(std::max(bins, 2))) result = result.widened(result.exponent() + 1);
  return result;
}

/// `count` values spread evenly over [from, to], those below x.
Moments part_below(double count, double from, double to, double x) {
  const double width = to - from, share = count / width;
  return {share * (x - from), share * (x * x - from * from) / 2, share * (x * x * x - from * from * from) / 3};
}

Moments add(const Moments& a, const Moments& b) { return {a.count + b.count, a.sum + b.sum, a.squares + b.squares}; }

}  // namespace

Distribution::Distribution(const TensorStatistics& statistics, int bins) : lo_(statistics.extremes.lo), hi_(statistics.extremes.hi) {
  const Histogram histogram = coarse(statistics.histogram, bins);
  first_ = static_cast<double>(histogram.first_bin());
  width_ = histogram.bin_width();
  sums_.resize(1);
  for (const uint64_t counted : histogram.counts()) {
    const size_t bin = sums_.size() - 1;
    const double from = edge(bin), to = edge(bin + 1), count = static_cast<double>(counted);
    const bool spread = to > from;
    sums_.push_back(add(sums_.back(), spread ? part_below(count, from, to, to) : Moments{count, count * to, count * to * to}));
  }
}

double Distribution::edge(size_t bin) const { return std::clamp((first_ + static_cast<double>(bin)) * width_, lo_, hi_); }

Moments Distribution::below(double x) const {
  if (x <= lo_) return {};
  if (x >= hi_) return all();
  const auto bin = static_cast<size_t>(std::clamp(std::floor(x / width_) - first_, 0.0, static_cast<double>(sums_.size() - 2)));
  const double from = edge(bin), to = edge(bin + 1), count = sums_[bin + 1].count - sums_[bin].count;
  if (!(to > from) || count == 0) return sums_[bin + (to > from && x < to ? 0 : 1)];
  return add(sums_[bin], part_below(count, from, to, std::clamp(x, from, to)));
}

double Distribution::quantile(double count) const {
  const auto above = std::upper_bound(sums_.begin(), sums_.end(), count, [](double c, const Moments& sum) { return c < sum.count; });
  if (above == sums_.begin()) return lo_;
  if (above == sums_.end()) return hi_;
  const auto bin = static_cast<size_t>(above - sums_.begin()) - 1;
  const double share = (count - sums_[bin].count) / (sums_[bin + 1].count - sums_[bin].count);
  return edge(bin) + share * (edge(bin + 1) - edge(bin));
}

double quantization_error(const Distribution& values, double scale, int64_t first, int64_t last) {
  const double least = static_cast<double>(first), greatest = static_cast<double>(last);
  const double from = std::clamp(std::floor(values.lo() / scale), least, greatest);
  const double to = std::clamp(std::ceil(values.hi() / scale), least, greatest);
  if (to - from > kExactSteps) {
    const Moments low = values.below(from * scale), high = values.below(to * scale);
    return low.squared_distance(from * scale) + (high - low).count * scale * scale / 12 +
           (values.all() - high).squared_distance(to * scale);
  }
  double error = 0;
  Moments before;
  for (double code = from; code < to; ++code) {
    const Moments until = values.below((code + 0.5) * scale);
    error += (until - before).squared_distance(code * scale);
    before = until;
  }
  return error + (values.all() - before).squared_distance(to * scale);
}

}  // namespace qtool
