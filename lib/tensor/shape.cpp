#include "tensor/shape.h"

#include <algorithm>

#include "base/error.h"

namespace qtool {

int64_t product(const Shape& shape, size_t begin, size_t end) {
  int64_t total = 1;
  for (size_t i = begin; i < end; ++i) {
    if (shape[i] < 0) throw invalid_file("shape " + to_string(shape) + " has a negative dimension");
    if (shape[i] == 0) return 0;
    if (total > (int64_t{1} << 62) / shape[i]) throw invalid_file("shape " + to_string(shape) + " is too large");
    total *= shape[i];
  }
  return total;
}

int64_t element_count(const Shape& shape) { return product(shape, 0, shape.size()); }

std::string to_string(const Shape& shape) {
  if (shape.empty()) return "scalar";
  std::string text;
  for (const int64_t dim : shape) text += (text.empty() ? "" : "x") + std::to_string(dim);
  return text;
}

Shape strides_of(const Shape& shape) {
  Shape strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;)  // unsigned: beside a dimension of 0 the others may be of any size
    strides[i - 1] = static_cast<int64_t>(static_cast<uint64_t>(strides[i]) * static_cast<uint64_t>(shape[i]));
  return strides;
}

int64_t normalize_axis(int64_t axis, size_t rank) {
  const auto r = static_cast<int64_t>(rank);
  if (axis < -r || axis >= r) throw invalid_file("axis " + std::to_string(axis) + " is outside a tensor of rank " + std::to_string(r));
  return axis < 0 ? axis + r : axis;
}

Shape broadcast(const Shape& a, const Shape& b) {
  Shape out(std::max(a.size(), b.size()), 1);
  for (size_t i = 0; i < out.size(); ++i) {
    const int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1, y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1) throw invalid_file("shapes " + to_string(a) + " and " + to_string(b) + " do not broadcast");
    out[out.size() - 1 - i] = x == 1 ? y : x;
  }
  return out;
}

}  // namespace qtool
