#include "exec/plan/reorder.h"

#include <cstring>

#include "kernels/registry.h"

namespace qtool {
namespace {

/// One image: `rows` x `columns` to `columns` x `rows`.
template <class T>
void transpose_elements(const std::byte* in, std::byte* out, size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; ++r)
    for (size_t c = 0; c < columns; ++c) std::memcpy(out + (c * rows + r) * sizeof(T), in + (r * columns + c) * sizeof(T), sizeof(T));
}

void transpose(const std::byte* in, std::byte* out, size_t rows, size_t columns, size_t width) {
  if (width == 2) return transpose_elements<uint16_t>(in, out, rows, columns);
  if (width == 8) return transpose_elements<uint64_t>(in, out, rows, columns);
  kernels::best<kernels::Transpose>().run({in, out, rows, columns, columns, rows, width});
}

}  // namespace

Array reordered(const Array& from, Layout wanted, BufferPool& pool) {
  const Tensor& tensor = from.tensor;
  if (from.layout == wanted || tensor.rank() < 3) return {tensor, tensor.rank() < 3 ? Layout::plain : wanted};
  const auto channels = static_cast<size_t>(tensor.shape()[1]), places = static_cast<size_t>(product(tensor.shape(), 2, tensor.rank()));
  const size_t width = element_size(tensor.dtype()), image = channels * places * width;
  if (channels == 1 || places == 1) return {tensor, wanted};  // the same order of bytes
  Array to{pool.tensor(tensor.dtype(), tensor.shape()), wanted};
  std::byte* out = to.tensor.mutable_bytes();
  const bool to_last = wanted == Layout::channels_last;
  for (size_t n = 0; n < static_cast<size_t>(tensor.shape()[0]); ++n)
    transpose(tensor.bytes() + n * image, out + n * image, to_last ? channels : places, to_last ? places : channels, width);
  return to;
}

Tensor plain_tensor(const Array& array) {
  BufferPool pool;
  return reordered(array, Layout::plain, pool).tensor;
}

}  // namespace qtool
