#pragma once
// Sums over a histogram whose bins are taken as evenly filled: how many values lie below x, their sum and the sum of their squares, in
// constant time. What a range costs follows from these without looking at the bins again.

#include <vector>

#include "observe/tensor_statistics.h"

namespace qtool {

struct Moments {
  double count = 0, sum = 0, squares = 0;
  Moments operator-(const Moments& other) const { return {count - other.count, sum - other.sum, squares - other.squares}; }
  /// Sum of (v - x)^2 over the values v.
  double squared_distance(double x) const { return squares - 2 * x * sum + x * x * count; }
};

class Distribution {
 public:
  /// `statistics` not empty, with a histogram. Bins are merged until at most `bins` are left.
  Distribution(const TensorStatistics& statistics, int bins);

  double lo() const { return lo_; }  ///< least value seen
  double hi() const { return hi_; }  ///< greatest value seen
  double bin_width() const { return width_; }
  Moments below(double x) const;
  Moments all() const { return sums_.back(); }
  /// The x with `count` values below it.
  double quantile(double count) const;

 private:
  double edge(size_t bin) const;  ///< where bin starts, within [lo, hi]
  double first_, width_, lo_, hi_;
  std::vector<Moments> sums_;  ///< of the values below edge(i)
};

/// Expected sum of (x - dequantize(quantize(x)))^2 where code k of first..last stands for k * scale (the zero point is already off).
double quantization_error(const Distribution& values, double scale, int64_t first, int64_t last);

}  // namespace qtool
