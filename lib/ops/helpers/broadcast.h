#pragma once
// Numpy broadcasting: walking several operands along one output.

#include <cstdint>
#include <vector>

#include "tensor/shape.h"

namespace qtool {

/// Element strides of `operand` when it is read at every position of `out`; 0 along broadcast dimensions.
/// Throws Error(invalid_file) when it does not fit.
Shape broadcast_strides(const Shape& operand, const Shape& out);

/// A walk over `out` in rows: dimensions that all operands step through evenly are merged first.
class BroadcastWalk {
 public:
  BroadcastWalk(const Shape& out, const std::vector<Shape>& operands);

  struct Row {
    int64_t out;                        ///< offset of the row's first element in the output
    int64_t length;                     ///< elements
    const std::vector<int64_t>& at;     ///< offset of the row's first element in each operand
    const std::vector<int64_t>& steps;  ///< elements from one to the next, for each operand
  };
  template <class Body>
  void for_each_row(Body&& body) {
    const int64_t length = dims_.back();
    for (int64_t row = 0; row < rows_; ++row) {
      body(Row{row * length, length, at_, inner_});
      advance();
    }
  }

 private:
  void advance();
  Shape dims_;                  // merged, innermost last
  std::vector<Shape> strides_;  // an operand each, parallel to dims_
  std::vector<int64_t> inner_;  // innermost stride of each operand
  std::vector<int64_t> at_, index_;
  int64_t rows_ = 0;
};

/// Calls body(index) for every index of `shape` in row-major order; nothing when a dimension is 0.
template <class Body>
void for_each_index(const Shape& shape, Body&& body) {
  const int64_t total = element_count(shape);
  Shape index(shape.size(), 0);
  for (int64_t i = 0; i < total; ++i) {
    body(static_cast<const Shape&>(index));
    for (size_t d = shape.size(); d-- > 0;) {
      if (++index[d] < shape[d]) break;
      index[d] = 0;
    }
  }
}

/// Sum of index[d] * strides[d].
inline int64_t offset_of(const Shape& index, const Shape& strides) {
  int64_t offset = 0;
  for (size_t d = 0; d < index.size(); ++d) offset += index[d] * strides[d];
  return offset;
}

}  // namespace qtool
