// Compress: the slices where a condition holds. ReverseSequence. Unique. CenterCropPad.
#include <algorithm>
#include <map>
#include <numeric>

#include "ops/helpers/broadcast.h"
#include "ops/helpers/infer.h"
#include "ops/helpers/numeric.h"
#include "ops/helpers/strided.h"

namespace qtool {
namespace {

using Ints = std::vector<int64_t>;

/// Slices of x along `axis` at these positions, in this order.
Tensor picked(const Tensor& x, size_t axis, const Ints& positions) {
  Shape shape = x.shape(), part = x.shape();
  shape[axis] = std::ssize(positions);
  part[axis] = 1;
  Tensor y(x.dtype(), shape);
  const Shape from = strides_of(x.shape()), to = strides_of(shape);
  for (size_t i = 0; i < positions.size(); ++i)
    write_box(read_box(x, {part, from, positions[i] * from[axis]}), y, {part, to, static_cast<int64_t>(i) * to[axis]});
  return y;
}

/// Without an axis the tensor counts as flat.
Tensor along_axis(const Node& node, const Tensor& x, size_t& axis) {
  axis = node.attribute("axis") ? static_cast<size_t>(normalize_axis(node.attr_or("axis", 0), x.rank())) : 0;
  return node.attribute("axis") ? x : x.reshaped({x.size()});
}

void compress(const Node& node, TensorsIn in, TensorsOut out) {
  size_t axis = 0;
  const Tensor x = along_axis(node, input(in, 0), axis);
  const auto keep = input(in, 1).data<bool>();
  Ints positions;
  for (int64_t i = 0; i < std::min(x.shape()[axis], in[1].size()); ++i)
    if (keep[static_cast<size_t>(i)]) positions.push_back(i);
  out[0] = picked(x, axis, positions);
}

TypeList infer_compress(const Node& node, const InferInput& in) {
  if (!node.attribute("axis")) return outputs(node, {{dtype_of(in, 0), unknown_dims(1)}});
  Dims dims = dims_of(in, 0);
  if (dims) (*dims)[static_cast<size_t>(normalize_axis(node.attr_or("axis", 0), dims->size()))] = {};
  return outputs(node, {{dtype_of(in, 0), dims}});
}

/// The first sequence_lens[n] elements of the time axis of batch item n, backwards.
void reverse_sequence(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  const auto batch = static_cast<size_t>(normalize_axis(node.attr_or("batch_axis", 1), x.rank()));
  const auto time = static_cast<size_t>(normalize_axis(node.attr_or("time_axis", 0), x.rank()));
  require(x.rank() >= 2 && batch != time, "batch_axis and time_axis must differ");
  const Ints lengths = input(in, 1).to_ints();
  require(std::ssize(lengths) == x.shape()[batch], "sequence_lens must have one number a batch item");
  Tensor y = x;
  const Shape strides = strides_of(x.shape());
  Shape part = x.shape();
  part[batch] = 1;
  for (int64_t n = 0; n < x.shape()[batch]; ++n) {
    const int64_t length = lengths[static_cast<size_t>(n)], start = n * strides[batch];
    require(length >= 0 && length <= x.shape()[time], "a length of sequence_lens is outside the sequence");
    if (length == 0) continue;
    part[time] = length;
    Shape backwards = strides;
    backwards[time] = -strides[time];
    write_box(read_box(x, {part, backwards, start + (length - 1) * strides[time]}), y, {part, strides, start});
  }
  out[0] = std::move(y);
}

// ---- Unique: slices (or elements) that differ, sorted or in order of appearance ----

/// Every slice along the axis as numbers, to compare.
std::vector<std::vector<double>> slices(const Tensor& x, size_t axis) {
  const std::vector<double> values = to_doubles(x);
  const int64_t outer = product(x.shape(), 0, axis), count = x.shape()[axis], inner = product(x.shape(), axis + 1, x.rank());
  std::vector<std::vector<double>> all(static_cast<size_t>(count));
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < count; ++i)
      for (int64_t n = 0; n < inner; ++n) all[static_cast<size_t>(i)].push_back(values[static_cast<size_t>((o * count + i) * inner + n)]);
  return all;
}

struct Groups {
  Ints first, inverse, counts;
};

Groups groups_of(const std::vector<std::vector<double>>& all, bool sorted) {
  std::map<std::vector<double>, int64_t> found;
  Groups g;
  for (size_t i = 0; i < all.size(); ++i) {
    const auto [at, fresh] = found.emplace(all[i], std::ssize(g.first));
    if (fresh) {
      g.first.push_back(static_cast<int64_t>(i));
      g.counts.push_back(0);
    }
    ++g.counts[static_cast<size_t>(at->second)];
    g.inverse.push_back(at->second);
  }
  if (!sorted) return g;
  Groups ordered;
  Ints rank(g.first.size());
  for (const auto& [slice, group] : found) {  // a map is in order
    rank[static_cast<size_t>(group)] = std::ssize(ordered.first);
    ordered.first.push_back(g.first[static_cast<size_t>(group)]);
    ordered.counts.push_back(g.counts[static_cast<size_t>(group)]);
  }
  for (const int64_t group : g.inverse) ordered.inverse.push_back(rank[static_cast<size_t>(group)]);
  return ordered;
}

void unique(const Node& node, TensorsIn in, TensorsOut out) {
  size_t axis = 0;
  const Tensor x = along_axis(node, input(in, 0), axis);
  const Groups g = groups_of(slices(x, axis), node.attr_or("sorted", 1) != 0);
  out[0] = picked(x, axis, g.first);
  assign(out, 1, Tensor::of<int64_t>({std::ssize(g.first)}, g.first));
  assign(out, 2, Tensor::of<int64_t>({std::ssize(g.inverse)}, g.inverse));
  assign(out, 3, Tensor::of<int64_t>({std::ssize(g.counts)}, g.counts));
}

TypeList infer_unique(const Node& node, const InferInput& in) {
  const ValueType list{DType::int64, unknown_dims(1)};
  TypeList types = infer_compress(node, in);
  types[0].dtype = dtype_of(in, 0);
  return outputs(node, {types[0], list, list, list});
}

// ---- CenterCropPad ----

Ints crop_axes(const Node& node, size_t rank) {
  Ints axes = node.attr_or("axes", Ints{});
  if (!node.attribute("axes")) {
    axes.resize(rank);
    std::iota(axes.begin(), axes.end(), 0);
  }
  for (int64_t& axis : axes) axis = normalize_axis(axis, rank);
  return axes;
}

void center_crop_pad(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  const Ints axes = crop_axes(node, x.rank()), wanted = input(in, 1).to_ints();
  require(axes.size() == wanted.size(), "shape must have one number an axis");
  Shape shape = x.shape(), part = x.shape();
  const Shape from = strides_of(x.shape());
  for (size_t i = 0; i < axes.size(); ++i) shape[static_cast<size_t>(axes[i])] = wanted[i];
  Tensor y = Tensor::zeros(x.dtype(), shape);
  const Shape to = strides_of(shape);
  int64_t read = 0, write = 0;
  for (size_t d = 0; d < shape.size(); ++d) {
    part[d] = std::min(shape[d], x.shape()[d]);
    read += (x.shape()[d] - part[d]) / 2 * from[d];
    write += (shape[d] - part[d]) / 2 * to[d];
  }
  write_box(read_box(x, {part, from, read}), y, {part, to, write});
  out[0] = std::move(y);
}

TypeList infer_center_crop_pad(const Node& node, const InferInput& in) {
  Dims dims = dims_of(in, 0);
  const auto wanted = ints_of(in, 1);
  if (!dims) return infer_dtype(node, in);
  const Ints axes = crop_axes(node, dims->size());
  for (size_t i = 0; i < axes.size(); ++i)
    (*dims)[static_cast<size_t>(axes[i])] = wanted && i < wanted->size() ? known((*wanted)[i]) : Dim{};
  return outputs(node, {{dtype_of(in, 0), dims}});
}

}  // namespace

extern const OpDef kCompress9{.name = "Compress", .since = 9, .infer = infer_compress, .eval = compress, .quant = pass_through()};
extern const OpDef kReverseSequence10{
    .name = "ReverseSequence", .since = 10, .infer = infer_same, .eval = reverse_sequence, .quant = pass_through()};
extern const OpDef kUnique11{.name = "Unique", .since = 11, .infer = infer_unique, .eval = unique};
extern const OpDef kCenterCropPad18{.name = "CenterCropPad", .since = 18, .infer = infer_center_crop_pad, .eval = center_crop_pad};

}  // namespace qtool
