#include "exec/slices.h"

#include <cstring>

namespace qtool {
namespace {

size_t inner_bytes(const Tensor& tensor, size_t first) {
  return static_cast<size_t>(product(tensor.shape(), first, tensor.rank())) * element_size(tensor.dtype());
}

}  // namespace

Tensor part_at(const Tensor& tensor, int64_t axis, int64_t index) {
  const auto at = static_cast<size_t>(normalize_axis(axis, tensor.rank()));
  Shape shape = tensor.shape();
  shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(at));
  Tensor out(tensor.dtype(), shape);
  const size_t chunk = inner_bytes(tensor, at + 1);
  const int64_t outer = product(tensor.shape(), 0, at);
  std::byte* to = out.mutable_bytes();
  for (int64_t i = 0; i < outer && chunk != 0; ++i)
    std::memcpy(to + static_cast<size_t>(i) * chunk,
                tensor.bytes() + (static_cast<size_t>(i) * static_cast<size_t>(tensor.shape()[at]) + static_cast<size_t>(index)) * chunk,
                chunk);
  return out;
}

Tensor stack(const std::vector<Tensor>& parts, int64_t axis) {
  if (parts.empty()) throw bug("stack of nothing");
  const Tensor& first = parts.front();
  const auto at = static_cast<size_t>(normalize_axis(axis, first.rank() + 1));
  Shape shape = first.shape();
  shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(at), static_cast<int64_t>(parts.size()));
  Tensor out(first.dtype(), shape);
  const size_t chunk = inner_bytes(first, at);
  const int64_t outer = product(first.shape(), 0, at);
  std::byte* to = out.mutable_bytes();
  for (size_t p = 0; p < parts.size(); ++p) {
    if (parts[p].shape() != first.shape() || parts[p].dtype() != first.dtype())
      throw invalid_file("iterations give tensors of shape " + to_string(first.shape()) + " and " + to_string(parts[p].shape()));
    for (int64_t i = 0; i < outer && chunk != 0; ++i)
      std::memcpy(to + (static_cast<size_t>(i) * parts.size() + p) * chunk, parts[p].bytes() + static_cast<size_t>(i) * chunk, chunk);
  }
  return out;
}

}  // namespace qtool
