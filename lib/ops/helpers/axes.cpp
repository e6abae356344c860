#include "ops/helpers/axes.h"

#include "ops/helpers/broadcast.h"

namespace qtool {

Shape Reduction::output(const Shape& shape) const {
  Shape out;
  for (size_t d = 0; d < shape.size(); ++d)
    if (!reduced[d])
      out.push_back(shape[d]);
    else if (keep)
      out.push_back(1);
  return out;
}

Dims Reduction::output(const std::vector<Dim>& dims) const {
  std::vector<Dim> out;
  for (size_t d = 0; d < dims.size(); ++d)
    if (!reduced[d])
      out.push_back(dims[d]);
    else if (keep)
      out.push_back(known(1));
  return out;
}

Reduction reduction(const std::optional<std::vector<int64_t>>& axes, size_t rank, bool keep) {
  Reduction r{std::vector<bool>(rank, !axes), keep};
  for (const int64_t axis : axes.value_or(std::vector<int64_t>{})) r.reduced[static_cast<size_t>(normalize_axis(axis, rank))] = true;
  return r;
}

std::vector<int64_t> output_index(const Shape& shape, const Reduction& reduction) {
  Shape strides(shape.size(), 0);
  int64_t stride = 1;
  for (size_t d = shape.size(); d-- > 0;)
    if (!reduction.reduced[d]) {
      strides[d] = stride;
      stride *= shape[d];
    }
  std::vector<int64_t> index;
  index.reserve(static_cast<size_t>(element_count(shape)));
  for_each_index(shape, [&](const Shape& at) { index.push_back(offset_of(at, strides)); });
  return index;
}

}  // namespace qtool
