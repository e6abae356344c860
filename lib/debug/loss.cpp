#include "debug/loss.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace qtool::debug {
namespace {

constexpr size_t kBlock = 4096;  ///< added in float, lane by lane, before it goes to double
constexpr size_t kLanes = 16;

/// Sums of one block in kLanes independent lanes, so that the compiler may use vectors without reordering additions.
struct Block {
  float xx[kLanes] = {}, yy[kLanes] = {}, xy[kLanes] = {}, ee[kLanes] = {}, e[kLanes] = {}, max[kLanes] = {};

  void add(const float* x, const float* y) {
    for (size_t k = 0; k < kLanes; ++k) {
      const float a = x[k], b = y[k], d = b - a, off = std::fabs(d);
      xx[k] += a * a;
      yy[k] += b * b;
      xy[k] += a * b;
      ee[k] += d * d;
      e[k] += off;
      max[k] = max[k] < off ? off : max[k];
    }
  }

  void fold(LossSum& into) const {
    for (size_t k = 0; k < kLanes; ++k) {
      into.xx += xx[k];
      into.yy += yy[k];
      into.xy += xy[k];
      into.ee += ee[k];
      into.e += e[k];
      into.max = std::max(into.max, static_cast<double>(max[k]));
    }
  }
};

void add_one(LossSum& sum, double x, double y) {
  if (!std::isfinite(x) || !std::isfinite(y)) return;
  const double d = y - x;
  sum.xx += x * x;
  sum.yy += y * y;
  sum.xy += x * y;
  sum.ee += d * d;
  sum.e += std::fabs(d);
  sum.max = std::max(sum.max, std::fabs(d));
  ++sum.elements;
}

LossSum add_slowly(const float* x, const float* y, size_t n) {
  LossSum sum;
  for (size_t i = 0; i < n; ++i) add_one(sum, x[i], y[i]);
  return sum;
}

LossSum add_block(const float* x, const float* y, size_t n) {
  Block block;
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) block.add(x + i, y + i);
  LossSum sum;
  block.fold(sum);
  sum.elements = i;
  sum.merge(add_slowly(x + i, y + i, n - i));
  return sum;
}

}  // namespace

void LossSum::add(const float* x, const float* y, size_t n) {
  for (size_t i = 0; i < n; i += kBlock) {
    const size_t size = std::min(kBlock, n - i);
    const LossSum sum = add_block(x + i, y + i, size);
    const bool finite = std::isfinite(sum.xx + sum.yy + sum.ee);
    merge(finite ? sum : add_slowly(x + i, y + i, size));
  }
}

void LossSum::merge(const LossSum& other) {
  xx += other.xx;
  yy += other.yy;
  xy += other.xy;
  ee += other.ee;
  e += other.e;
  max = std::max(max, other.max);
  elements += other.elements;
}

double LossSum::noise() const {
  if (ee == 0) return 0;
  return std::min(1e12, xx > 0 ? ee / xx : 1e12);
}

Loss LossSum::loss() const {
  Loss loss;
  const double norms = std::sqrt(xx) * std::sqrt(yy);
  if (norms > 0)
    loss.cosine = std::clamp(xy / norms, -1.0, 1.0);
  else
    loss.cosine = xx == yy ? 1 : 0;
  loss.sqnr_db = ee > 0 ? 10 * std::log10(std::max(xx, 1e-300) / ee) : std::numeric_limits<double>::infinity();
  loss.max_error = max;
  loss.mean_error = elements ? e / static_cast<double>(elements) : 0;
  return loss;
}

}  // namespace qtool::debug
