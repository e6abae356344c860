#pragma once
// Moving elements: a box of a tensor read, or written, with any strides.

#include "tensor/tensor.h"

namespace qtool {

/// A box inside a buffer: element [i...] lies at start + sum of i * strides. Strides may be 0 or negative.
struct Box {
  Shape shape, strides;
  int64_t start = 0;
};

/// The box of x as a dense tensor. Any type, strings too.
Tensor read_box(const Tensor& x, const Box& box);
/// Dense `part` (same type, box.shape) into the box of `whole`. Not for strings.
void write_box(const Tensor& part, Tensor& whole, const Box& box);

/// Dimensions of x in another order: out dimension d is x dimension order[d].
Tensor permuted(const Tensor& x, const std::vector<int64_t>& order);
/// x with broadcasting repeated to `shape`.
Tensor expanded(const Tensor& x, const Shape& shape);

}  // namespace qtool
