// MaxUnpool: elements back to where MaxPool found them.
#include <algorithm>

#include "ops/helpers/infer.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

Shape unpooled_shape(const Node& node, TensorsIn in) {
  const Shape& x = in[0].shape();
  const size_t rank = x.size() - 2;
  const auto kernel = node.attr_or("kernel_shape", std::vector<int64_t>{});
  auto strides = node.attr_or("strides", std::vector<int64_t>{}), pads = node.attr_or("pads", std::vector<int64_t>{});
  if (strides.empty()) strides.assign(rank, 1);
  if (pads.empty()) pads.assign(2 * rank, 0);
  require(kernel.size() == rank && strides.size() == rank && pads.size() == 2 * rank, "the attributes of MaxUnpool do not fit the input");
  Shape shape{x[0], x[1]};
  for (size_t d = 0; d < rank; ++d) shape.push_back((x[d + 2] - 1) * strides[d] - pads[d] - pads[rank + d] + kernel[d]);
  return shape;
}

void max_unpool(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor &x = input(in, 0), &at = input(in, 1);
  require(x.rank() >= 3 && at.shape() == x.shape(), "MaxUnpool needs indices of the input's shape");
  const Shape natural = unpooled_shape(node, in), shape = optional_input(in, 2).defined() ? in[2].to_ints() : natural;
  require(shape.size() == natural.size(), "output_shape has the wrong length");
  // the indices count in the natural shape
  Tensor y = Tensor::zeros(x.dtype(), shape);
  const Shape from = strides_of(natural), to = strides_of(shape);
  const std::vector<int64_t> indices = at.to_ints();
  dispatch_width(x.dtype(), [&](auto kind) {
    using T = decltype(kind);
    const T* values = elements<T>(x);
    T* target = elements<T>(y);
    for (int64_t i = 0; i < x.size(); ++i) {
      int64_t offset = 0, rest = indices[static_cast<size_t>(i)];
      for (size_t d = 0; d < shape.size(); ++d) {
        offset += rest / from[d] * to[d];
        rest %= from[d];
      }
      require(offset >= 0 && offset < y.size(), "an index of MaxUnpool is outside the output");
      target[offset] = values[i];
    }
  });
  out[0] = std::move(y);
}

}  // namespace

extern const OpDef kMaxUnpool9{.name = "MaxUnpool", .since = 9, .infer = infer_dtype, .eval = max_unpool, .quant = pass_through()};

}  // namespace qtool
