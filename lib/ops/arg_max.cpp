// ArgMax, ArgMin: index of the largest (smallest) element along an axis, the first or (select_last_index) the last of equals.
// TopK: the k largest or smallest, sorted, and their indices.
#include <algorithm>
#include <numeric>

#include "ops/helpers/axes.h"
#include "ops/helpers/lift.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

/// x cut along an axis: element i of line (o, n) lies at (o * count + i) * inner + n.
struct Lines {
  int64_t outer, count, inner;
  Lines(const Shape& shape, size_t axis)
      : outer(product(shape, 0, axis)), count(shape[axis]), inner(product(shape, axis + 1, shape.size())) {}
  int64_t at(int64_t o, int64_t i, int64_t n) const { return (o * count + i) * inner + n; }
};

template <class T>
bool above(T a, T b) {
  return widen(a) > widen(b);
}

template <class T>
int64_t best_of(const T* x, const Lines& lines, int64_t o, int64_t n, bool largest, bool last) {
  int64_t best = 0;
  for (int64_t i = 1; i < lines.count; ++i) {
    const T value = x[lines.at(o, i, n)], top = x[lines.at(o, best, n)];
    if ((largest ? above(value, top) : above(top, value)) || (last && widen(value) == widen(top))) best = i;
  }
  return best;
}

Reduction reduction_of(const Node& node, size_t rank) {
  return reduction(std::vector<int64_t>{node.attr_or("axis", 0)}, rank, node.attr_or("keepdims", 1) != 0);
}

template <bool kLargest>
void arg(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  const Lines lines(x.shape(), static_cast<size_t>(normalize_axis(node.attr_or("axis", 0), x.rank())));
  require(lines.count > 0, "the axis is empty");
  const bool last = node.attr_or("select_last_index", 0) != 0;
  Tensor y(DType::int64, reduction_of(node, x.rank()).output(x.shape()));
  int64_t* to = elements<int64_t>(y);
  dispatch_number(x.dtype(), [&](auto kind) {
    const auto* from = elements<decltype(kind)>(x);
    for (int64_t o = 0; o < lines.outer; ++o)
      for (int64_t n = 0; n < lines.inner; ++n) *to++ = best_of(from, lines, o, n, kLargest, last);
  });
  out[0] = std::move(y);
}

TypeList infer_arg(const Node& node, const InferInput& in) {
  const Dims& dims = dims_of(in, 0);
  return outputs(node, {{DType::int64, dims ? reduction_of(node, dims->size()).output(*dims) : std::nullopt}});
}

/// Positions of the k best of a line, best first; equals in order of index.
template <class T>
std::vector<int64_t> best_k(const T* x, const Lines& lines, int64_t o, int64_t n, int64_t k, bool largest) {
  std::vector<int64_t> order(static_cast<size_t>(lines.count));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    const T left = x[lines.at(o, a, n)], right = x[lines.at(o, b, n)];
    return largest ? above(left, right) : above(right, left);
  });
  order.resize(static_cast<size_t>(k));
  return order;
}

void top_k(const Node& node, const Tensor& x, int64_t k, TensorsOut out) {
  const auto axis = static_cast<size_t>(normalize_axis(node.attr_or("axis", -1), x.rank()));
  const Lines lines(x.shape(), axis);
  if (k < 0 || k > lines.count) throw invalid_file("k = " + std::to_string(k) + " of an axis of " + std::to_string(lines.count));
  const bool largest = node.attr_or("largest", 1) != 0;
  Shape shape = x.shape();
  shape[axis] = k;
  Tensor values(x.dtype(), shape), indices(DType::int64, shape);
  int64_t* index = elements<int64_t>(indices);
  dispatch_number(x.dtype(), [&](auto kind) {
    using T = decltype(kind);
    const T* from = elements<T>(x);
    T* to = elements<T>(values);
    for (int64_t o = 0; o < lines.outer; ++o)
      for (int64_t n = 0; n < lines.inner; ++n) {
        const std::vector<int64_t> best = best_k(from, lines, o, n, k, largest);
        for (int64_t i = 0; i < k; ++i) {
          to[(o * k + i) * lines.inner + n] = from[lines.at(o, best[static_cast<size_t>(i)], n)];
          index[(o * k + i) * lines.inner + n] = best[static_cast<size_t>(i)];
        }
      }
  });
  out[0] = std::move(values);
  assign(out, 1, std::move(indices));
}

void top_k_1(const Node& node, TensorsIn in, TensorsOut out) { top_k(node, input(in, 0), node.attr_or("k", 0), out); }
void top_k_10(const Node& node, TensorsIn in, TensorsOut out) {
  require(input(in, 1).size() == 1, "k of TopK must be one number");
  top_k(node, input(in, 0), in[1].to_ints()[0], out);
}

TypeList infer_top_k(const Node& node, const InferInput& in, const std::optional<int64_t>& k) {
  Dims dims = dims_of(in, 0);
  if (dims) (*dims)[static_cast<size_t>(normalize_axis(node.attr_or("axis", -1), dims->size()))] = k && *k >= 0 ? known(*k) : Dim{};
  return outputs(node, {{dtype_of(in, 0), dims}, {DType::int64, dims}});
}
TypeList infer_top_k_1(const Node& node, const InferInput& in) { return infer_top_k(node, in, node.attr_or("k", 0)); }
TypeList infer_top_k_10(const Node& node, const InferInput& in) {
  const auto k = ints_of(in, 1);
  return infer_top_k(node, in, k && k->size() == 1 ? std::optional(k->front()) : std::nullopt);
}

void lift_top_k(Graph& graph, Node& node) {
  const int64_t k = node.attr_or("k", 0);
  node.remove_attribute("k");
  graph.set_input(node, 1, add_constant(graph, node, "k", Tensor::of<int64_t>({1}, {k})));
}

}  // namespace

extern const OpDef kArgMax1{.name = "ArgMax", .infer = infer_arg, .eval = arg<true>};
extern const OpDef kArgMin1{.name = "ArgMin", .infer = infer_arg, .eval = arg<false>};
extern const OpDef kTopK1{.name = "TopK", .infer = infer_top_k_1, .eval = top_k_1, .lift = lift_top_k};
extern const OpDef kTopK10{.name = "TopK", .since = 10, .infer = infer_top_k_10, .eval = top_k_10};

}  // namespace qtool
