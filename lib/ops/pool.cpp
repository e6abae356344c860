// MaxPool, AveragePool, LpPool over windows, and their global forms over all spatial positions of a channel.
#include <cmath>
#include <limits>

#include "ops/helpers/broadcast.h"
#include "ops/helpers/infer.h"
#include "ops/helpers/numeric.h"
#include "ops/helpers/window.h"

namespace qtool {
namespace {

struct Pool {
  std::vector<Window> windows;
  Shape out, in_strides;  // spatial
  int64_t planes, in_plane, out_plane;
};

Pool pool_of(const Node& node, const Tensor& x) {
  require(x.rank() >= 3, "a pool needs an input of rank 3 or more");
  const Shape spatial(x.shape().begin() + 2, x.shape().end());
  Pool pool{windows(node, spatial, kernel_of(node, {})), {}, strides_of(spatial), x.shape()[0] * x.shape()[1], element_count(spatial), 0};
  pool.out = output_of(pool.windows);
  pool.out_plane = element_count(pool.out);
  return pool;
}

Shape output_shape(const Tensor& x, const Shape& spatial) {
  Shape shape{x.shape()[0], x.shape()[1]};
  shape.insert(shape.end(), spatial.begin(), spatial.end());
  return shape;
}

/// Calls body(offset) for the input positions that the window at `position` reads; returns how many taps lie within the padded input.
template <class Body>
int64_t for_each_tap(const Pool& pool, const Shape& position, Body&& body) {
  Shape kernel;
  for (const Window& w : pool.windows) kernel.push_back(w.kernel);
  int64_t padded = 0;
  for_each_index(kernel, [&](const Shape& tap) {
    int64_t offset = 0;
    bool inside = true, within = true;
    for (size_t d = 0; d < tap.size(); ++d) {
      const Window& w = pool.windows[d];
      const int64_t i = position[d] * w.stride - w.pad_begin + tap[d] * w.dilation;
      inside = inside && i >= 0 && i < w.in;
      within = within && i < w.in + w.pad_end;
      offset += i * pool.in_strides[d];
    }
    padded += within;
    if (inside) body(offset);
  });
  return padded;
}

/// The taps of every output position, once for all channels.
struct TapTable {
  std::vector<std::vector<int64_t>> offsets;
  std::vector<int64_t> padded;
  explicit TapTable(const Pool& pool) {
    for_each_index(pool.out, [&](const Shape& position) {
      offsets.emplace_back();
      padded.push_back(for_each_tap(pool, position, [&](int64_t offset) { offsets.back().push_back(offset); }));
    });
  }
};

/// Index of the first largest element among the taps; -1 when there is none.
template <class T>
int64_t largest(const T* plane, const std::vector<int64_t>& taps) {
  int64_t best = -1;
  for (const int64_t tap : taps)
    if (best < 0 || widen(plane[tap]) > widen(plane[best])) best = tap;
  return best;
}

template <class T>
T lowest() {
  if constexpr (kIsReal<T>)
    return narrow<T>(-std::numeric_limits<Wide<T>>::infinity());
  else
    return std::numeric_limits<T>::lowest();
}

/// Offset within a plane, with the spatial dimensions in column-major order (storage_order = 1).
int64_t column_major(int64_t offset, const Pool& pool) {
  int64_t result = 0, stride = 1;
  for (size_t d = 0; d < pool.windows.size(); ++d) {
    result += offset / pool.in_strides[d] % pool.windows[d].in * stride;
    stride *= pool.windows[d].in;
  }
  return result;
}

void max_pool(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  const Pool pool = pool_of(node, x);
  const TapTable taps(pool);
  const bool columns = node.attr_or("storage_order", 0) != 0;
  Tensor y(x.dtype(), output_shape(x, pool.out)), indices(DType::int64, y.shape());
  int64_t* index = elements<int64_t>(indices);
  dispatch_number(x.dtype(), [&](auto kind) {
    using T = decltype(kind);
    const T* from = elements<T>(x);
    T* to = elements<T>(y);
    for (int64_t p = 0; p < pool.planes; ++p)
      for (int64_t o = 0; o < pool.out_plane; ++o) {
        const T* plane = from + p * pool.in_plane;
        const int64_t best = largest(plane, taps.offsets[static_cast<size_t>(o)]);
        *to++ = best < 0 ? lowest<T>() : plane[best];
        *index++ = p * pool.in_plane + (columns && best >= 0 ? column_major(best, pool) : best);
      }
  });
  out[0] = std::move(y);
  assign(out, 1, std::move(indices));
}

/// y = finish(sum of term(x) over the taps, taps that count), in double.
template <class Term, class Finish>
Tensor pooled(const Node& node, const Tensor& x, Term&& term, Finish&& finish) {
  const Pool pool = pool_of(node, x);
  const TapTable taps(pool);
  const std::vector<double> values = to_doubles(x);
  std::vector<double> y;
  y.reserve(static_cast<size_t>(pool.planes * pool.out_plane));
  for (int64_t p = 0; p < pool.planes; ++p)
    for (size_t o = 0; o < taps.offsets.size(); ++o) {
      double total = 0;
      for (const int64_t tap : taps.offsets[o]) total += term(values[static_cast<size_t>(p * pool.in_plane + tap)]);
      y.push_back(finish(total, taps.offsets[o].size(), taps.padded[o]));
    }
  return from_doubles(x.dtype(), output_shape(x, pool.out), y);
}

/// count_include_pad = 1 divides by the taps within the padded input, 0 by those on elements.
void average_pool(const Node& node, TensorsIn in, TensorsOut out) {
  const bool include_pad = node.attr_or("count_include_pad", 0) != 0;
  out[0] = pooled(
      node, input(in, 0), [](double x) { return x; },
      [=](double total, size_t real, int64_t padded) {
        const double count = include_pad ? static_cast<double>(padded) : static_cast<double>(real);
        return count == 0 ? 0.0 : total / count;
      });
}

void lp_pool(const Node& node, TensorsIn in, TensorsOut out) {
  const auto p = static_cast<double>(node.attr_or("p", 2));
  out[0] = pooled(
      node, input(in, 0), [p](double x) { return std::pow(std::abs(x), p); },
      [p](double total, size_t, int64_t) { return std::pow(total, 1 / p); });
}

TypeList infer_pool(const Node& node, const InferInput& in) {
  const Dims& x = dims_of(in, 0);
  const ValueType unknown{dtype_of(in, 0), {}};
  if (!x) return outputs(node, {unknown, {DType::int64, {}}});
  require(x->size() >= 3, "a pool needs an input of rank 3 or more");
  std::vector<Dim> dims{(*x)[0], (*x)[1]};
  for (const Dim& dim : infer_windows(node, {x->begin() + 2, x->end()}, kernel_of(node, {}))) dims.push_back(dim);
  return outputs(node, {{dtype_of(in, 0), dims}, {DType::int64, dims}});
}

Shape global_shape(const Tensor& x) {
  require(x.rank() >= 2, "a global pool needs an input of rank 2 or more");
  Shape shape(x.rank(), 1);
  shape[0] = x.shape()[0];
  shape[1] = x.shape()[1];
  return shape;
}

/// y[n, c] = finish(fold of all elements of the plane).
template <class Fold, class Finish>
Tensor global(const Tensor& x, double start, Fold&& fold, Finish&& finish) {
  const Shape shape = global_shape(x);
  const std::vector<double> values = to_doubles(x);
  std::vector<double> y(static_cast<size_t>(element_count(shape)));
  const size_t plane = y.empty() ? 0 : values.size() / y.size();
  for (size_t p = 0; p < y.size(); ++p) {
    double total = start;
    for (size_t i = 0; i < plane; ++i) total = fold(total, values[p * plane + i]);
    y[p] = finish(total, static_cast<double>(plane));
  }
  return from_doubles(x.dtype(), shape, y);
}

void global_average_pool(const Node&, TensorsIn in, TensorsOut out) {
  out[0] = global(
      input(in, 0), 0.0, [](double a, double x) { return a + x; }, [](double total, double count) { return total / count; });
}

void global_max_pool(const Node&, TensorsIn in, TensorsOut out) {
  out[0] = global(
      input(in, 0), -std::numeric_limits<double>::infinity(), [](double a, double x) { return x > a ? x : a; },
      [](double best, double) { return best; });
}

void global_lp_pool(const Node& node, TensorsIn in, TensorsOut out) {
  const auto p = static_cast<double>(node.attr_or("p", 2));
  out[0] = global(
      input(in, 0), 0.0, [p](double a, double x) { return a + std::pow(std::abs(x), p); },
      [p](double total, double) { return std::pow(total, 1 / p); });
}

TypeList infer_global(const Node& node, const InferInput& in) {
  Dims dims = dims_of(in, 0);
  if (dims)
    for (size_t d = 2; d < dims->size(); ++d) (*dims)[d] = known(1);
  return outputs(node, {{dtype_of(in, 0), dims}});
}

}  // namespace

extern const OpDef kMaxPool1{.name = "MaxPool", .infer = infer_pool, .eval = max_pool, .quant = pass_through()};
extern const OpDef kAveragePool1{.name = "AveragePool", .infer = infer_pool, .eval = average_pool, .quant = reduce()};
extern const OpDef kLpPool2{.name = "LpPool", .since = 2, .infer = infer_pool, .eval = lp_pool};
extern const OpDef kGlobalAveragePool1{.name = "GlobalAveragePool", .infer = infer_global, .eval = global_average_pool, .quant = reduce()};
extern const OpDef kGlobalMaxPool1{.name = "GlobalMaxPool", .infer = infer_global, .eval = global_max_pool, .quant = pass_through()};
extern const OpDef kGlobalLpPool2{.name = "GlobalLpPool", .since = 2, .infer = infer_global, .eval = global_lp_pool};

}  // namespace qtool
