#pragma once
// Which scale belongs to which element, for QuantizeLinear, DequantizeLinear and the integer operators.

#include "ops/op_def.h"

namespace qtool {

/// One scale; one a slice of an axis; or one a block of `block` elements along the axis (scale has the rank of x).
class ScaleMap {
 public:
  /// `axis` and `block_size` as in the attributes of QuantizeLinear. Throws Error(invalid_file) when shapes do not fit.
  ScaleMap(const Shape& x, const Shape& scale, int64_t axis, int64_t block_size);

  /// body(element, scale) for every element of x, in order.
  template <class Body>
  void for_each(Body&& body) const {
    for (int64_t o = 0, i = 0; o < outer_; ++o)
      for (int64_t d = 0; d < middle_; ++d)
        for (int64_t n = 0; n < inner_; ++n, ++i) body(i, o * outer_step_ + d / block_ * middle_step_ + n * inner_step_);
  }

 private:
  int64_t outer_ = 1, middle_ = 1, inner_ = 1;
  int64_t outer_step_ = 0, middle_step_ = 0, inner_step_ = 0, block_ = 1;
};

}  // namespace qtool
