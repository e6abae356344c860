#include "exec/kernels/products/conv_weights.h"

#include <algorithm>

#include "kernels/registry.h"

namespace qtool::lowerings {
namespace {

/// [out, in, place] -> [out, place, in]
Tensor by_places(const Tensor& weights) {
  const int64_t out = weights.shape()[0], in = weights.shape()[1], places = product(weights.shape(), 2, weights.rank());
  if (places == 1) return weights;
  const size_t width = element_size(weights.dtype()), rows = static_cast<size_t>(in), columns = static_cast<size_t>(places);
  Tensor turned(weights.dtype(), weights.shape());
  for (size_t o = 0; o < static_cast<size_t>(out); ++o) {
    const size_t at = o * rows * columns * width;
    kernels::best<kernels::Transpose>().run({weights.bytes() + at, turned.mutable_bytes() + at, rows, columns, columns, rows, width});
  }
  return turned;
}

}  // namespace

Tensor by_taps(const Tensor& weights, int64_t row, int64_t padded) {
  const int64_t taps = product(weights.shape(), 2, weights.rank()) / row * weights.shape()[0];
  const int64_t width = static_cast<int64_t>(element_size(weights.dtype())), depth = row * weights.shape()[1];
  const Tensor turned = by_places(weights);
  if (padded == depth) return turned;
  Tensor result = Tensor::zeros(weights.dtype(), {taps, padded});
  for (int64_t t = 0; t < taps; ++t)
    std::copy_n(turned.bytes() + t * depth * width, depth * width, result.mutable_bytes() + t * padded * width);
  return result;
}

}  // namespace qtool::lowerings
