// ScatterElements, ScatterND, Scatter, TensorScatter: copies of x with elements replaced by, or combined with, updates.
#include <algorithm>

#include "ops/helpers/broadcast.h"
#include "ops/helpers/infer.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

/// y[to[i]] = y[to[i]] (op) updates[i]; op: none, add, mul, max, min.
void combine(Tensor& y, const std::vector<int64_t>& to, const Tensor& updates, const std::string& op) {
  if (op == "none") {
    dispatch_width(y.dtype(), [&](auto kind) {
      using T = decltype(kind);
      T* target = elements<T>(y);
      const T* from = elements<T>(updates);
      for (size_t i = 0; i < to.size(); ++i) target[to[i]] = from[i];
    });
    return;
  }
  dispatch_number(y.dtype(), [&](auto kind) {
    using T = decltype(kind);
    T* target = elements<T>(y);
    const T* from = elements<T>(updates);
    for (size_t i = 0; i < to.size(); ++i) {
      const Wide<T> a = widen(target[to[i]]), b = widen(from[i]);
      if (op == "add")
        target[to[i]] = narrow<T>(static_cast<Wide<T>>(a + b));
      else if (op == "mul")
        target[to[i]] = narrow<T>(static_cast<Wide<T>>(a * b));
      else if (op == "max")
        target[to[i]] = narrow<T>(std::max(a, b));
      else if (op == "min")
        target[to[i]] = narrow<T>(std::min(a, b));
      else
        throw invalid_file("reduction \"" + op + "\" is unknown");
    }
  });
}

int64_t checked(int64_t index, int64_t size) {
  if (index < -size || index >= size)
    throw invalid_file("index " + std::to_string(index) + " is outside a dimension of " + std::to_string(size));
  return index < 0 ? index + size : index;
}

void scatter_elements(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor &x = input(in, 0), &at = input(in, 1), &updates = input(in, 2);
  require(at.shape() == updates.shape() && at.rank() == x.rank() && updates.dtype() == x.dtype(),
          "indices and updates do not fit the data");
  const auto axis = static_cast<size_t>(normalize_axis(node.attr_or("axis", 0), x.rank()));
  for (size_t d = 0; d < x.rank(); ++d) require(d == axis || at.shape()[d] <= x.shape()[d], "the indices reach outside the data");
  const Shape strides = strides_of(x.shape());
  const std::vector<int64_t> indices = at.to_ints();
  std::vector<int64_t> to;
  for_each_index(at.shape(), [&](const Shape& index) {
    const int64_t picked = checked(indices[to.size()], x.shape()[axis]);
    to.push_back(offset_of(index, strides) + (picked - index[axis]) * strides[axis]);
  });
  Tensor y = x;
  combine(y, to, updates, node.attr_or("reduction", "none"));
  out[0] = std::move(y);
}

void scatter_nd(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor &x = input(in, 0), &at = input(in, 1), &updates = input(in, 2);
  require(at.rank() >= 1 && updates.dtype() == x.dtype(), "indices and updates do not fit the data");
  const int64_t depth = at.shape().back();
  require(depth >= 1 && depth <= std::ssize(x.shape()), "the index tuples are longer than the data has dimensions");
  const int64_t width = product(x.shape(), static_cast<size_t>(depth), x.rank()), tuples = at.size() / depth;
  require(updates.size() == tuples * width, "updates have the wrong size");
  const Shape strides = strides_of(x.shape());
  const std::vector<int64_t> indices = at.to_ints();
  std::vector<int64_t> to;
  for (int64_t t = 0; t < tuples; ++t) {
    int64_t offset = 0;
    for (int64_t d = 0; d < depth; ++d)
      offset += checked(indices[static_cast<size_t>(t * depth + d)], x.shape()[static_cast<size_t>(d)]) * strides[static_cast<size_t>(d)];
    for (int64_t i = 0; i < width; ++i) to.push_back(offset + i);
  }
  Tensor y = x;
  combine(y, to, updates, node.attr_or("reduction", "none"));
  out[0] = std::move(y);
}

/// Writes updates [batch, ..., length, ...] into a cache along `axis`, from write_indices[batch] on; circular wraps around.
void tensor_scatter(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor &x = input(in, 0), &updates = input(in, 1), &starts = optional_input(in, 2);
  const auto axis = static_cast<size_t>(normalize_axis(node.attr_or("axis", -2), x.rank()));
  require(updates.rank() == x.rank() && axis > 0 && updates.dtype() == x.dtype(), "updates do not fit the cache");
  for (size_t d = 0; d < x.rank(); ++d) require(d == axis || updates.shape()[d] == x.shape()[d], "updates do not fit the cache");
  const std::vector<int64_t> first = starts.defined() ? starts.to_ints() : std::vector<int64_t>(static_cast<size_t>(x.shape()[0]), 0);
  require(std::ssize(first) == x.shape()[0], "write_indices must have one number a batch item");
  const bool circular = node.attr_or("mode", "linear") == std::string("circular");
  const Shape strides = strides_of(x.shape());
  std::vector<int64_t> to;
  for_each_index(updates.shape(), [&](const Shape& index) {
    int64_t at = first[static_cast<size_t>(index[0])] + index[axis];
    if (circular && at >= 0) at %= x.shape()[axis];
    require(at >= 0 && at < x.shape()[axis], "write_indices reach outside the cache");
    to.push_back(offset_of(index, strides) + (at - index[axis]) * strides[axis]);
  });
  Tensor y = x;
  combine(y, to, updates, "none");
  out[0] = std::move(y);
}

void lift_scatter(Graph&, Node& node) { node.op = "ScatterElements"; }

}  // namespace

extern const OpDef kScatter9{.name = "Scatter", .since = 9, .infer = infer_same, .eval = scatter_elements, .lift = lift_scatter};
/// ScatterElements took its place with opset 11.
extern const OpDef kScatter11{.name = "Scatter", .since = 11, .infer = infer_same, .eval = scatter_elements};
extern const OpDef kScatterElements11{.name = "ScatterElements", .since = 11, .infer = infer_same, .eval = scatter_elements};
extern const OpDef kScatterND11{.name = "ScatterND", .since = 11, .infer = infer_same, .eval = scatter_nd};
extern const OpDef kTensorScatter24{.name = "TensorScatter", .since = 24, .infer = infer_same, .eval = tensor_scatter};

}  // namespace qtool
