#include "ops/helpers/conv.h"

#include <algorithm>

#include "ops/helpers/broadcast.h"
#include "ops/helpers/gemm.h"
#include "ops/helpers/infer.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

constexpr int64_t kColumns = 2048;  // output positions gathered at a time

/// Output position o of the last dimension -> input element, or 0 outside.
template <class T>
void gather_row(const T* row, const Window& w, int64_t tap, T* to) {
  const int64_t first = tap * w.dilation - w.pad_begin;
  for (int64_t o = 0; o < w.out; ++o) {
    const int64_t i = first + o * w.stride;
    to[o] = i >= 0 && i < w.in ? row[i] : T{0};
  }
}

/// Offset of the input row that (output position, tap) of the outer spatial dimensions read; -1 in the padding.
int64_t row_offset(const std::vector<Window>& windows, const Shape& position, const Shape& tap) {
  int64_t offset = 0;
  for (size_t d = 0; d + 1 < windows.size(); ++d) {
    const Window& w = windows[d];
    const int64_t i = position[d] * w.stride - w.pad_begin + tap[d] * w.dilation;
    if (i < 0 || i >= w.in) return -1;
    offset = offset * w.in + i;
  }
  return offset * windows.back().in;
}

struct Taps {
  std::vector<Shape> all;  // every kernel position, row-major
  explicit Taps(const std::vector<Window>& windows) {
    Shape kernel;
    for (const Window& w : windows) kernel.push_back(w.kernel);
    for_each_index(kernel, [&](const Shape& tap) { all.push_back(tap); });
  }
};

/// Rows (channel, tap) x columns (positions x last dimension) of one image and group.
template <class T>
void gather_columns(const T* image, int64_t channels, int64_t plane, const std::vector<Window>& windows, const Taps& taps,
                    std::span<const Shape> positions, T* columns) {
  const Window& last = windows.back();
  for (int64_t c = 0; c < channels; ++c)
    for (const Shape& tap : taps.all)
      for (const Shape& position : positions) {
        const int64_t offset = row_offset(windows, position, tap);
        if (offset < 0)
          std::fill_n(columns, last.out, T{0});
        else
          gather_row(image + c * plane + offset, last, tap.back(), columns);
        columns += last.out;
      }
}

std::vector<Shape> outer_positions(const std::vector<Window>& windows) {
  Shape outer = output_of(windows);
  outer.pop_back();
  std::vector<Shape> positions;
  for_each_index(outer, [&](const Shape& position) { positions.push_back(position); });
  return positions;
}

template <class T>
void run(const T* x, const T* weight, double* y, const ConvGeometry& g) {
  const Taps taps(g.windows);
  const std::vector<Shape> positions = outer_positions(g.windows);
  const int64_t channels = g.in_channels / g.group, features = g.out_channels / g.group, width = g.windows.back().out;
  const int64_t k = channels * std::ssize(taps.all), total = std::ssize(positions) * width;
  int64_t plane = 1;
  for (const Window& w : g.windows) plane *= w.in;
  const int64_t rows = std::clamp<int64_t>(kColumns / std::max<int64_t>(1, width), 1, std::max<int64_t>(1, std::ssize(positions)));
  std::vector<T> columns(static_cast<size_t>(k * rows * width));
  std::vector<double> sums(static_cast<size_t>(features * rows * width));
  for (int64_t unit = 0; unit < g.batch * g.group; ++unit) {
    const int64_t group = unit % g.group;
    for (int64_t first = 0; first < std::ssize(positions); first += rows) {
      const int64_t count = std::min(rows, std::ssize(positions) - first), n = count * width;
      gather_columns(x + unit * channels * plane, channels, plane, g.windows, taps,
                     std::span(positions).subspan(static_cast<size_t>(first), static_cast<size_t>(count)), columns.data());
      std::fill_n(sums.data(), features * n, 0.0);
      gemm(weight + group * features * k, columns.data(), sums.data(), features, n, k);
      for (int64_t f = 0; f < features; ++f) std::copy_n(sums.data() + f * n, n, y + (unit * features + f) * total + first * width);
    }
  }
}

}  // namespace

Shape ConvGeometry::output_shape() const {
  Shape shape{batch, out_channels};
  for (const Window& w : windows) shape.push_back(w.out);
  return shape;
}

ConvGeometry conv_geometry(const Node& node, const Shape& x, const Shape& weight) {
  if (x.size() < 3 || x.size() != weight.size())
    throw invalid_file("input " + to_string(x) + " and weight " + to_string(weight) + " differ in rank");
  const int64_t group = node.attr_or("group", 1);
  if (group < 1 || weight[0] % group != 0 || x[1] != weight[1] * group)
    throw invalid_file("input " + to_string(x) + ", weight " + to_string(weight) + " and group " + std::to_string(group) + " do not fit");
  const Shape kernel(weight.begin() + 2, weight.end());
  if (kernel_of(node, weight) != kernel) throw invalid_file("kernel_shape differs from weight " + to_string(weight));
  return {x[0], x[1], weight[0], group, windows(node, Shape(x.begin() + 2, x.end()), kernel)};
}

Tensor convolve(const Tensor& x, const Tensor& weight, const ConvGeometry& geometry) {
  Tensor sums = Tensor::zeros(DType::float64, geometry.output_shape());
  if (sums.size() == 0) return sums;
  if (x.dtype() == DType::float64)
    run(elements<double>(x), elements<double>(weight), elements<double>(sums), geometry);
  else
    run(elements<float>(x), elements<float>(weight), elements<double>(sums), geometry);
  return sums;
}

void add_channel_bias(Tensor& sums, const Tensor& bias) {
  const int64_t channels = sums.shape()[1], inner = product(sums.shape(), 2, sums.rank());
  require(bias.size() == channels, "the bias must have one element a channel");
  const std::vector<double> values = to_doubles(bias);
  double* y = elements<double>(sums);
  for (int64_t i = 0; i < sums.size(); ++i) y[i] += values[static_cast<size_t>(i / inner % channels)];
}

TypeList infer_conv(const Node& node, const InferInput& in, DType dtype, size_t weight_input) {
  if (node.attr_or("group", int64_t{1}) < 1) throw invalid_file("group is " + std::to_string(node.attr_or("group", int64_t{1})));
  const Dims &x = dims_of(in, 0), &w = dims_of(in, weight_input);
  if (!x) return outputs(node, {{dtype, {}}});
  if (x->size() < 3) throw invalid_file("the input has rank " + std::to_string(x->size()) + ", expected 3 or more");
  std::vector<Dim> dims = unknown_dims(x->size());
  dims[0] = (*x)[0];
  if (w && w->size() == x->size()) dims[1] = (*w)[0];
  Shape weight;
  if (auto shape = type_of(in, weight_input).shape()) weight = *shape;
  const Shape kernel = kernel_of(node, weight);
  if (kernel.empty()) return outputs(node, {{dtype, dims}});
  const auto spatial = infer_windows(node, {x->begin() + 2, x->end()}, kernel);
  std::copy(spatial.begin(), spatial.end(), dims.begin() + 2);
  return outputs(node, {{dtype, dims}});
}

int64_t conv_macs(std::span<const Shape> out, const Shape& weight) { return element_count(out[0]) * product(weight, 1, weight.size()); }

}  // namespace qtool
