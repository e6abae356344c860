// histogram: the range with the least expected squared error, rounding inside and clipping outside, each end on its own.
// First a grid over both ends with step^2 / 12 for the rounding, then a descent with the error of the very codes. It looks where
// torch.ao's HistogramObserver does, and where that one stops early.

#include <algorithm>
#include <cmath>
#include <vector>

#include "observe/ranges/rules.h"

namespace qtool::ranges {
namespace {

constexpr int kGrid = 56;            ///< factors of an end: 2^(-i/8), down to 1/128
constexpr double kFirstStep = 0.08;  ///< of the descent, relative to the end
constexpr double kLastStep = 0.002;

double grid_factor(int i) { return std::exp2(-i / 8.0); }

/// One end of the range at one factor: what is cut off there.
struct End {
  double factor, at, clipped, cut_count;
};

std::vector<End> lower_ends(const Distribution& values, Range whole) {
  std::vector<End> ends;
  for (int i = 0; i < (whole.lo < 0 ? kGrid : 1); ++i) {
    const double factor = grid_factor(i), at = whole.lo * factor;
    const Moments cut = values.below(at);
    ends.push_back({factor, at, cut.squared_distance(at), cut.count});
  }
  return ends;
}

std::vector<End> upper_ends(const Distribution& values, Range whole) {
  std::vector<End> ends;
  for (int i = 0; i < (whole.hi > 0 ? kGrid : 1); ++i) {
    const double factor = grid_factor(i), at = whole.hi * factor;
    const Moments cut = values.all() - values.below(at);
    ends.push_back({factor, at, cut.squared_distance(at), cut.count});
  }
  return ends;
}

struct Factors {
  double lower = 1, upper = 1;
};

/// Clipping error, plus step^2 / 12 for each value inside.
double estimate(const End& low, const End& high, double count, double steps) {
  const double step = (high.at - low.at) / steps;
  return low.clipped + high.clipped + (count - low.cut_count - high.cut_count) * step * step / 12;
}

Factors best_of_grid(const Distribution& values, Range whole, const RangeOptions& options) {
  const auto lows = lower_ends(values, whole), highs = upper_ends(values, whole);
  const double count = values.all().count, steps = static_cast<double>(options.codes.hi - options.codes.lo);
  Factors best;
  double least = estimate(lows[0], highs[0], count, steps);
  for (size_t i = 0; i < lows.size(); ++i)
    for (size_t k = 0; k < highs.size(); ++k) {
      if (options.symmetric && i != k) continue;
      const double error = estimate(lows[i], highs[k], count, steps);
      if (error >= least) continue;
      least = error;
      best = {lows[i].factor, highs[k].factor};
    }
  return best;
}

class Descent {
 public:
  Descent(const Distribution& values, Range whole, const RangeOptions& options) : values_(values), whole_(whole), options_(options) {}

  Range run(Factors start) {
    take_if_better({});
    take_if_better(start);
    for (double step = kFirstStep; step > kLastStep; step /= 2)
      while (improve(step)) {
      }
    return scaled(whole_, best_.lower, best_.upper);
  }

 private:
  bool improve(double step) {
    const Factors from = best_;
    const double in = 1 - step, out = 1 + step;
    bool better = take_if_better({from.lower * in, from.upper * in}) | take_if_better({from.lower * out, from.upper * out});
    if (options_.symmetric) return better;
    better |= take_if_better({from.lower * in, from.upper}) | take_if_better({from.lower * out, from.upper});
    return better | take_if_better({from.lower, from.upper * in}) | take_if_better({from.lower, from.upper * out});
  }

  bool take_if_better(Factors factors) {
    factors = {std::min(factors.lower, 1.0), std::min(factors.upper, 1.0)};
    const double error = error_of(values_, scaled(whole_, factors.lower, factors.upper), options_);
    if (!(error < least_ * (1 - 1e-6))) return false;
    least_ = error;
    best_ = factors;
    return true;
  }

  const Distribution& values_;
  Range whole_;
  const RangeOptions& options_;
  Factors best_;
  double least_ = INFINITY;
};

}  // namespace

std::optional<Range> least_squares(const TensorStatistics& statistics, const RangeOptions& options) {
  if (statistics.empty()) return std::nullopt;
  const Distribution values(statistics, options.bins);
  const Range whole = whole_range(statistics.extremes, options.symmetric);
  return Descent(values, whole, options).run(best_of_grid(values, whole, options));
}

}  // namespace qtool::ranges
