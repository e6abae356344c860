#include "debug/bins.h"

#include <algorithm>
#include <cmath>

namespace qtool::debug {
namespace {

/// Shares of a total in equal bins.
class Shares {
 public:
  Shares(double lo, double hi, double total) : lo_(lo), width_((hi - lo) / kBinsTold), total_(total), shares_(kBinsTold) {}

  /// `count` values evenly in [from, to); what lies outside goes to the first and last bin.
  void spread(double from, double to, double count) {
    const size_t first = bin(from), last = bin(to);
    if (first == last || to <= from) {
      shares_[first] += count / total_;
      return;
    }
    for (size_t i = first; i <= last; ++i) {
      const double begin = i == first ? from : lo_ + static_cast<double>(i) * width_;
      const double end = i == last ? to : lo_ + static_cast<double>(i + 1) * width_;
      shares_[i] += count / total_ * std::max(0.0, end - begin) / (to - from);
    }
  }
  std::vector<double> take() { return std::move(shares_); }

 private:
  size_t bin(double value) const {
    const double place = std::floor((value - lo_) / width_);
    return static_cast<size_t>(std::clamp(place, 0.0, static_cast<double>(kBinsTold - 1)));
  }
  double lo_, width_, total_;
  std::vector<double> shares_;
};

}  // namespace

Bins bins_of(const Histogram& real, double lo, double hi, const QuantParams* params, const CodeCounts& codes) {
  Bins bins{lo, hi, {}, {}};
  if (params) {
    bins.lo = std::min(bins.lo, lowest_real(*params));
    bins.hi = std::max(bins.hi, highest_real(*params));
  }
  if (real.empty() || !(bins.hi > bins.lo)) return bins;
  Shares shares(bins.lo, bins.hi, static_cast<double>(real.total()));
  for (size_t i = 0; i < real.counts().size(); ++i) {
    const double from = static_cast<double>(real.first_bin() + static_cast<int64_t>(i)) * real.bin_width();
    if (real.counts()[i] > 0) shares.spread(from, from + real.bin_width(), static_cast<double>(real.counts()[i]));
  }
  bins.real = shares.take();
  if (codes.empty() || !params || params->per_channel()) return bins;
  double total = 0;
  for (const uint64_t count : codes) total += static_cast<double>(count);
  Shares quantized(bins.lo, bins.hi, std::max(1.0, total));
  const double scale = static_cast<double>(params->scale());
  for (size_t i = 0; i < codes.size(); ++i) {
    const double value = lowest_real(*params) + static_cast<double>(i) * scale;
    if (codes[i] > 0) quantized.spread(value - scale / 2, value + scale / 2, static_cast<double>(codes[i]));
  }
  bins.quantized = quantized.take();
  return bins;
}

std::pair<double, double> inner_range(const Histogram& histogram, double percent) {
  if (histogram.empty()) return {0, 0};
  const double cut = static_cast<double>(histogram.total()) * (100 - percent) / 200;
  const auto counts = histogram.counts();
  size_t first = 0, last = counts.size();
  for (double left = 0; first + 1 < counts.size() && left + static_cast<double>(counts[first]) <= cut; ++first)
    left += static_cast<double>(counts[first]);
  for (double left = 0; last > first + 1 && left + static_cast<double>(counts[last - 1]) <= cut; --last)
    left += static_cast<double>(counts[last - 1]);
  const auto edge = [&](size_t i) { return static_cast<double>(histogram.first_bin() + static_cast<int64_t>(i)) * histogram.bin_width(); };
  return {edge(first), edge(last)};
}

}  // namespace qtool::debug
