#include "ops/helpers/strided.h"

#include "ops/helpers/broadcast.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

/// body(offset in the box's buffer, dense position) for each row of the innermost dimension.
template <class Body>
void for_each_row(const Box& box, Body&& body) {
  Shape outer = box.shape;
  const int64_t length = outer.empty() ? 1 : outer.back();
  if (!outer.empty()) outer.pop_back();
  int64_t dense = 0;
  if (length == 0) return;
  for_each_index(outer, [&](const Shape& index) {
    body(box.start + offset_of(index, box.strides), dense);
    dense += length;
  });
}

Tensor read_strings(const Tensor& x, const Box& box) {
  std::vector<std::string> values;
  for_each_index(box.shape, [&](const Shape& index) {
    values.push_back(x.strings()[static_cast<size_t>(box.start + offset_of(index, box.strides))]);
  });
  return Tensor::of_strings(box.shape, std::move(values));
}

}  // namespace

Tensor read_box(const Tensor& x, const Box& box) {
  if (x.dtype() == DType::string) return read_strings(x, box);
  Tensor out(x.dtype(), box.shape);
  const int64_t length = box.shape.empty() ? 1 : box.shape.back(), step = box.shape.empty() ? 0 : box.strides.back();
  dispatch_width(x.dtype(), [&](auto kind) {
    using T = decltype(kind);
    const T* from = elements<T>(x);
    T* to = elements<T>(out);
    for_each_row(box, [&](int64_t offset, int64_t dense) {
      for (int64_t i = 0; i < length; ++i) to[dense + i] = from[offset + i * step];
    });
  });
  return out;
}

void write_box(const Tensor& part, Tensor& whole, const Box& box) {
  const int64_t length = box.shape.empty() ? 1 : box.shape.back(), step = box.shape.empty() ? 0 : box.strides.back();
  dispatch_width(part.dtype(), [&](auto kind) {
    using T = decltype(kind);
    const T* from = elements<T>(part);
    T* to = elements<T>(whole);
    for_each_row(box, [&](int64_t offset, int64_t dense) {
      for (int64_t i = 0; i < length; ++i) to[offset + i * step] = from[dense + i];
    });
  });
}

Tensor permuted(const Tensor& x, const std::vector<int64_t>& order) {
  const Shape strides = strides_of(x.shape());
  Box box;
  for (const int64_t axis : order) {
    box.shape.push_back(x.shape()[static_cast<size_t>(axis)]);
    box.strides.push_back(strides[static_cast<size_t>(axis)]);
  }
  return read_box(x, box);
}

Tensor expanded(const Tensor& x, const Shape& shape) { return read_box(x, {shape, broadcast_strides(x.shape(), shape), 0}); }

}  // namespace qtool
