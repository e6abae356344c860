#pragma once
// How far values are from those they stand for.

#include <cstddef>
#include <cstdint>

namespace qtool::debug {

/// What a report says of a pair of tensors x (float) and y.
struct Loss {
  double cosine = 1;      ///< <x, y> / (|x| |y|); 1 where both are zero, 0 where one is
  double sqnr_db = 0;     ///< 10 log10(sum x^2 / sum (y - x)^2); infinite without error
  double max_error = 0;   ///< max |y - x|
  double mean_error = 0;  ///< mean |y - x|
};

/// The sums a Loss is made of; they add.
struct LossSum {
  double xx = 0, yy = 0, xy = 0, ee = 0, e = 0, max = 0;
  uint64_t elements = 0;

  /// n pairs; a pair with a NaN or an infinity in it is left out.
  void add(const float* x, const float* y, size_t n);
  void merge(const LossSum& other);
  Loss loss() const;
  /// sum (y - x)^2 / sum x^2, at most 1e12; what nodes are ranked by.
  double noise() const;
  bool empty() const { return elements == 0; }
};

}  // namespace qtool::debug
