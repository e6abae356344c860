// Gather: slices of x along an axis. GatherElements: one element of x per index. GatherND: slices at full index tuples.
#include "ops/helpers/broadcast.h"
#include "ops/helpers/infer.h"
#include "ops/helpers/numeric.h"
#include "ops/helpers/strided.h"

namespace qtool {
namespace {

/// Negative indices count from the back.
int64_t checked(int64_t index, int64_t size) {
  if (index < -size || index >= size)
    throw invalid_file("index " + std::to_string(index) + " is outside a dimension of " + std::to_string(size));
  return index < 0 ? index + size : index;
}

/// `count` slices of `width` elements from these offsets, one behind the other.
Tensor copied(const Tensor& x, const Shape& shape, const std::vector<int64_t>& offsets, int64_t width) {
  Tensor y(x.dtype(), shape);
  dispatch_width(x.dtype(), [&](auto kind) {
    using T = decltype(kind);
    const T* from = elements<T>(x);
    T* to = elements<T>(y);
    for (const int64_t offset : offsets) to = std::copy_n(from + offset, width, to);
  });
  return y;
}

void gather(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  const auto axis = static_cast<size_t>(normalize_axis(node.attr_or("axis", 0), x.rank()));
  const int64_t outer = product(x.shape(), 0, axis), size = x.shape()[axis], inner = product(x.shape(), axis + 1, x.rank());
  const std::vector<int64_t> indices = input(in, 1).to_ints();
  std::vector<int64_t> offsets;
  for (int64_t o = 0; o < outer; ++o)
    for (const int64_t index : indices) offsets.push_back((o * size + checked(index, size)) * inner);
  Shape shape(x.shape().begin(), x.shape().begin() + static_cast<std::ptrdiff_t>(axis));
  shape.insert(shape.end(), in[1].shape().begin(), in[1].shape().end());
  shape.insert(shape.end(), x.shape().begin() + static_cast<std::ptrdiff_t>(axis) + 1, x.shape().end());
  out[0] = copied(x, shape, offsets, inner);
}

TypeList infer_gather(const Node& node, const InferInput& in) {
  const Dims &x = dims_of(in, 0), &indices = dims_of(in, 1);
  if (!x || !indices) return infer_dtype(node, in);
  const auto axis = normalize_axis(node.attr_or("axis", 0), x->size());
  std::vector<Dim> dims(x->begin(), x->begin() + axis);
  dims.insert(dims.end(), indices->begin(), indices->end());
  dims.insert(dims.end(), x->begin() + axis + 1, x->end());
  return outputs(node, {{dtype_of(in, 0), dims}});
}

void gather_elements(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor &x = input(in, 0), &at = input(in, 1);
  require(x.rank() == at.rank(), "data and indices differ in rank");
  const auto axis = static_cast<size_t>(normalize_axis(node.attr_or("axis", 0), x.rank()));
  for (size_t d = 0; d < x.rank(); ++d) require(d == axis || at.shape()[d] <= x.shape()[d], "the indices reach outside the data");
  const Shape strides = strides_of(x.shape());
  const std::vector<int64_t> indices = at.to_ints();
  std::vector<int64_t> offsets;
  for_each_index(at.shape(), [&](const Shape& index) {
    const int64_t picked = checked(indices[offsets.size()], x.shape()[axis]);
    offsets.push_back(offset_of(index, strides) + (picked - index[axis]) * strides[axis]);
  });
  out[0] = copied(x, at.shape(), offsets, 1);
}

TypeList infer_gather_elements(const Node& node, const InferInput& in) { return outputs(node, {{dtype_of(in, 0), dims_of(in, 1)}}); }

void gather_nd(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor &x = input(in, 0), &at = input(in, 1);
  const int64_t stated = node.attr_or("batch_dims", 0);
  require(at.rank() >= 1 && stated >= 0 && stated < std::ssize(at.shape()) && stated < std::ssize(x.shape()), "batch_dims does not fit");
  const auto batch_dims = static_cast<size_t>(stated);
  const int64_t depth = at.shape().back();
  const size_t picked = batch_dims + static_cast<size_t>(std::max<int64_t>(depth, 0));
  require(depth >= 1 && picked <= x.rank(), "the index tuples are longer than the data has dimensions");
  const Shape strides = strides_of(x.shape());
  const int64_t width = product(x.shape(), picked, x.rank()), batches = product(x.shape(), 0, batch_dims);
  require(batches == product(at.shape(), 0, batch_dims), "data and indices differ in their batch");
  const int64_t tuples = at.size() / depth, per_batch = batches == 0 ? 0 : tuples / batches,
                batch_size = product(x.shape(), batch_dims, x.rank());
  const std::vector<int64_t> indices = at.to_ints();
  std::vector<int64_t> offsets;
  for (int64_t t = 0; t < tuples; ++t) {
    int64_t offset = t / per_batch * batch_size;
    for (int64_t d = 0; d < depth; ++d) {
      const size_t axis = batch_dims + static_cast<size_t>(d);
      offset += checked(indices[static_cast<size_t>(t * depth + d)], x.shape()[axis]) * strides[axis];
    }
    offsets.push_back(offset);
  }
  Shape shape(at.shape().begin(), at.shape().end() - 1);
  shape.insert(shape.end(), x.shape().begin() + static_cast<std::ptrdiff_t>(picked), x.shape().end());
  out[0] = copied(x, shape, offsets, width);
}

TypeList infer_gather_nd(const Node& node, const InferInput& in) {
  const Dims &x = dims_of(in, 0), &at = dims_of(in, 1);
  if (!x || !at || at->empty() || !at->back().known()) return infer_dtype(node, in);
  const int64_t picked = node.attr_or("batch_dims", 0) + at->back().value;
  require(picked >= 0 && picked <= std::ssize(*x), "the index tuples are longer than the data has dimensions");
  std::vector<Dim> dims(at->begin(), at->end() - 1);
  dims.insert(dims.end(), x->begin() + picked, x->end());
  return outputs(node, {{dtype_of(in, 0), dims}});
}

}  // namespace

extern const OpDef kGather1{.name = "Gather", .infer = infer_gather, .eval = gather, .quant = pass_through()};
extern const OpDef kGatherElements11{
    .name = "GatherElements", .since = 11, .infer = infer_gather_elements, .eval = gather_elements, .quant = pass_through()};
extern const OpDef kGatherND11{.name = "GatherND", .since = 11, .infer = infer_gather_nd, .eval = gather_nd, .quant = pass_through()};

}  // namespace qtool
