// entropy: the range whose codes keep most of the distribution, by the Kullback-Leibler divergence of the histogram clipped to the range
// (what is outside counts in its end bins) from the same bins spread evenly within each code.
//   D = sum p log(p / q);  in a code with count C over Z occupied bins q = C / Z, so D needs per code only C, Z and sum c log c.
// Zero has a code of its own in any range, so the zeros that Relu makes say nothing about it: the bin of zero counts as its neighbour.

#include <algorithm>
#include <cmath>
#include <vector>

#include "observe/ranges/rules.h"

namespace qtool::ranges {
namespace {

constexpr int kFactors = 128;
constexpr double kRefinement = 0.02;  ///< of an end, once both ends were searched together
constexpr double kUnseen = 1e-4;      ///< values expected in a bin that is empty

double x_log_x(double x) { return x > 0 ? x * std::log(x) : 0; }

/// Sums over the bins before each bin.
class Sums {
 public:
  explicit Sums(const Histogram& histogram) : first_(histogram.first_bin()), rows_(1) {
    const auto counts = histogram.counts();
    for (size_t i = 0; i < counts.size(); ++i) {
      const bool zero = static_cast<int64_t>(i) == -first_;
      const auto count = static_cast<double>(zero ? without_zeros(counts, i) : counts[i]);
      const Row& row = rows_.back();
      rows_.push_back({row.count + count, row.occupied + (count > 0), row.entropy + x_log_x(count)});
    }
  }
  struct Row {
    double count = 0, occupied = 0, entropy = 0;
  };
  /// Of the bins below `bin`.
  const Row& before(int64_t bin) const {
    return rows_[static_cast<size_t>(std::clamp<int64_t>(bin - first_, 0, static_cast<int64_t>(rows_.size()) - 1))];
  }
  double count(int64_t from, int64_t to) const { return before(to).count - before(from).count; }
  double total() const { return rows_.back().count; }
  int64_t first() const { return first_; }
  int64_t end() const { return first_ + static_cast<int64_t>(rows_.size()) - 1; }

 private:
  static uint64_t without_zeros(std::span<const uint64_t> counts, size_t zero) {
    const uint64_t left = zero > 0 ? counts[zero - 1] : 0, right = zero + 1 < counts.size() ? counts[zero + 1] : 0;
    return std::min(counts[zero], std::max(left, right));
  }

  int64_t first_;
  std::vector<Row> rows_;
};

/// What the mass `outside` adds that moves into a bin with `inside` values of which q = `spread` is expected.
double end_bin(double inside, double outside, double spread) {
  if (outside == 0) return 0;
  return x_log_x(inside + outside) - x_log_x(inside) - outside * std::log(std::max(spread, kUnseen));
}

/// Divergence for the bins [from, to) under `codes` codes of equal width.
double divergence(const Sums& sums, int64_t from, int64_t to, int64_t codes) {
  const double inside = sums.count(from, to);
  if (inside == 0) return INFINITY;
  double kept = 0, first_spread = 0, last_spread = 0;
  for (int64_t code = 0, begin = from; code < codes; ++code) {
    const int64_t end = from + (code + 1) * (to - from) / codes;
    const auto &a = sums.before(begin), &b = sums.before(end);
    const double count = b.count - a.count, spread = count > 0 ? count / (b.occupied - a.occupied) : 0;
    if (count > 0) kept += b.entropy - a.entropy - count * std::log(spread);
    if (code == 0) first_spread = sums.count(from, from + 1) > 0 ? spread : 0;
    if (code + 1 == codes) last_spread = sums.count(to - 1, to) > 0 ? spread : 0;
    begin = end;
  }
  const double below = sums.before(from).count, above = sums.total() - sums.before(to).count;
  kept += end_bin(sums.count(from, from + 1), below, first_spread) + end_bin(sums.count(to - 1, to), above, last_spread);
  return kept / sums.total() + std::log(inside / sums.total());
}

/// The search over how far each end is drawn in.
class Search {
 public:
  Search(const Sums& sums, int64_t first, int64_t end, const RangeOptions& options)
      : sums_(sums), first_(first), end_(end), codes_(options.codes.hi - options.codes.lo + 1) {}

  std::pair<int64_t, int64_t> run(bool symmetric) {
    for (int i = 0; i < kFactors; ++i) {
      const double factor = 1 - static_cast<double>(i) / kFactors;
      offer(static_cast<int64_t>(std::floor(static_cast<double>(first_) * factor)),
            static_cast<int64_t>(std::ceil(static_cast<double>(end_) * factor)));
    }
    while (!symmetric && refine()) {
    }
    return {from_, to_};
  }

 private:
  bool refine() {
    const auto step = std::max<int64_t>(1, static_cast<int64_t>(kRefinement * static_cast<double>(end_ - first_)));
    const int64_t from = from_, to = to_;
    return offer(from + step, to) | offer(from - step, to) | offer(from, to + step) | offer(from, to - step);
  }

  bool offer(int64_t from, int64_t to) {
    from = std::clamp<int64_t>(from, first_, 0);
    to = std::clamp<int64_t>(to, 0, end_);
    if (to - from < std::min(codes_, end_ - first_)) return false;
    const double value = divergence(sums_, from, to, std::min(codes_, to - from));
    if (!(value < least_ - 1e-12)) return false;
    least_ = value;
    from_ = from;
    to_ = to;
    return true;
  }

  const Sums& sums_;
  int64_t first_, end_, codes_, from_ = first_, to_ = end_;
  double least_ = INFINITY;
};

}  // namespace

std::optional<Range> entropy(const TensorStatistics& statistics, const RangeOptions& options) {
  if (statistics.empty()) return std::nullopt;
  Histogram histogram = statistics.histogram;
  while (histogram.counts().size() > static_cast<size_t>(std::max(options.bins, 2)))
    histogram = histogram.widened(histogram.exponent() + 1);
  const Sums sums(histogram);
  const int64_t bound = std::max(-sums.first(), sums.end());
  const auto [from, to] =
      options.symmetric ? Search(sums, -bound, bound, options).run(true) : Search(sums, sums.first(), sums.end(), options).run(false);
  const Range whole = whole_range(statistics.extremes, options.symmetric);
  const double width = histogram.bin_width();
  return Range{std::max(whole.lo, static_cast<float>(static_cast<double>(from) * width)),
               std::min(whole.hi, static_cast<float>(static_cast<double>(to) * width))};
}

}  // namespace qtool::ranges
