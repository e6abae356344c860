// ConvTranspose: every input element spreads x * w over the window that Conv would have gathered from. Weight [in, out / group, kernel...].
#include "ops/helpers/broadcast.h"
#include "ops/helpers/conv.h"
#include "ops/helpers/gemm.h"
#include "ops/helpers/infer.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

/// One spatial dimension: out = (in - 1) * stride + output_padding + (kernel - 1) * dilation + 1 - pads.
struct Spread {
  int64_t in, out, kernel, stride, dilation, pad_begin;
};

std::vector<int64_t> list(const Node& node, const char* name, size_t count, int64_t fallback) {
  std::vector<int64_t> values = node.attr_or(name, std::vector<int64_t>{});
  if (values.empty()) values.assign(count, fallback);
  if (values.size() != count) throw invalid_file(std::string(name) + " has the wrong length");
  for (const int64_t value : values)
    if (value < fallback || value > int64_t{1} << 30) throw invalid_file(std::string(name) + " holds " + std::to_string(value));
  return values;
}

Spread spread_of(const Node& node, size_t d, size_t rank, int64_t in, int64_t kernel) {
  Spread s{in, 0, kernel, list(node, "strides", rank, 1)[d], list(node, "dilations", rank, 1)[d], 0};
  const int64_t extra = list(node, "output_padding", rank, 0)[d], full = (in - 1) * s.stride + extra + (kernel - 1) * s.dilation + 1;
  const std::string mode = node.attr_or("auto_pad", "NOTSET");
  const bool same = mode == "SAME_UPPER" || mode == "SAME_LOWER";
  std::vector<int64_t> wanted = node.attr_or("output_shape", std::vector<int64_t>{});
  if (wanted.size() == rank + 2) wanted.erase(wanted.begin(), wanted.begin() + 2);
  if (!wanted.empty() || same) {
    require(wanted.empty() || wanted.size() == rank, "output_shape has the wrong length");
    s.out = wanted.empty() ? in * s.stride : wanted[d];
    const int64_t total = std::max<int64_t>(0, full - s.out);
    s.pad_begin = mode == "SAME_UPPER" ? total / 2 : total - total / 2;
  } else {
    const std::vector<int64_t> pads = mode == "VALID" ? std::vector<int64_t>(2 * rank, 0) : list(node, "pads", 2 * rank, 0);
    s.pad_begin = pads[d];
    s.out = full - pads[d] - pads[rank + d];
  }
  require(s.out >= 0, "the output would have a negative dimension");
  return s;
}

struct Geometry {
  int64_t batch, in_channels, features, group;  // features: output channels of a group
  std::vector<Spread> spreads;
  Shape in, out, kernel;
};

Geometry geometry_of(const Node& node, const Shape& x, const Shape& w) {
  const int64_t group = node.attr_or("group", 1);
  if (x.size() < 3 || x.size() != w.size() || group < 1 || x[1] != w[0] || x[1] % group != 0)
    throw invalid_file("input " + to_string(x) + ", weight " + to_string(w) + " and group " + std::to_string(group) + " do not fit");
  Geometry g{x[0], x[1], w[1], group, {}, Shape(x.begin() + 2, x.end()), {}, Shape(w.begin() + 2, w.end())};
  for (size_t d = 0; d < g.in.size(); ++d) {
    g.spreads.push_back(spread_of(node, d, g.in.size(), g.in[d], g.kernel[d]));
    g.out.push_back(g.spreads[d].out);
  }
  return g;
}

/// Where (input position, tap) lands in the output plane; -1 outside.
int64_t landing(const Geometry& g, const Shape& position, const Shape& tap) {
  int64_t offset = 0;
  for (size_t d = 0; d < position.size(); ++d) {
    const Spread& s = g.spreads[d];
    const int64_t o = position[d] * s.stride - s.pad_begin + tap[d] * s.dilation;
    if (o < 0 || o >= s.out) return -1;
    offset = offset * s.out + o;
  }
  return offset;
}

/// Adds columns (feature, tap) x (input position) to the output planes.
void scatter(const double* columns, const Geometry& g, double* y) {
  const int64_t plane = element_count(g.out);
  std::vector<int64_t> to;
  for_each_index(g.kernel,
                 [&](const Shape& tap) { for_each_index(g.in, [&](const Shape& position) { to.push_back(landing(g, position, tap)); }); });
  for (int64_t f = 0; f < g.features; ++f, y += plane)
    for (size_t i = 0; i < to.size(); ++i)
      if (to[i] >= 0) y[to[i]] += columns[f * static_cast<int64_t>(to.size()) + static_cast<int64_t>(i)];
}

/// [rows, columns] -> [columns, rows]
std::vector<double> transposed(const double* from, int64_t rows, int64_t columns) {
  std::vector<double> to(static_cast<size_t>(rows * columns));
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) to[static_cast<size_t>(c * rows + r)] = from[r * columns + c];
  return to;
}

Tensor convolve_transposed(const Tensor& x, const Tensor& w, const Geometry& g) {
  Shape shape{g.batch, g.features * g.group};
  shape.insert(shape.end(), g.out.begin(), g.out.end());
  Tensor y = Tensor::zeros(DType::float64, shape);
  const int64_t channels = g.in_channels / g.group, taps = g.features * element_count(g.kernel), positions = element_count(g.in);
  std::vector<std::vector<double>> weights;
  for (int64_t group = 0; group < g.group; ++group)
    weights.push_back(transposed(elements<double>(w) + group * channels * taps, channels, taps));
  std::vector<double> columns(static_cast<size_t>(taps * positions));
  double* to = elements<double>(y);
  for (int64_t unit = 0; unit < g.batch * g.group; ++unit) {
    std::fill(columns.begin(), columns.end(), 0.0);
    gemm(weights[static_cast<size_t>(unit % g.group)].data(), elements<double>(x) + unit * channels * positions, columns.data(), taps,
         positions, channels);
    scatter(columns.data(), g, to + unit * g.features * element_count(g.out));
  }
  return y;
}

void eval(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor &x = input(in, 0), &w = input(in, 1), &bias = optional_input(in, 2);
  if (!is_floating(x.dtype()) || x.dtype() != w.dtype()) refuse_type(x.dtype());
  Tensor sums = convolve_transposed(x.cast(DType::float64), w.cast(DType::float64), geometry_of(node, x.shape(), w.shape()));
  if (bias.defined()) add_channel_bias(sums, bias);
  out[0] = sums.cast(x.dtype());
}

TypeList infer(const Node& node, const InferInput& in) {
  const Dims &x = dims_of(in, 0), &w = dims_of(in, 1);
  if (!x) return infer_dtype(node, in);
  std::vector<Dim> dims = unknown_dims(x->size());
  dims[0] = (*x)[0];
  if (w && w->size() == x->size()) {
    if ((*w)[1].known()) dims[1] = known((*w)[1].value * node.attr_or("group", 1));
    for (size_t d = 2; d < dims.size(); ++d)
      if ((*x)[d].known() && (*w)[d].known()) dims[d] = known(spread_of(node, d - 2, dims.size() - 2, (*x)[d].value, (*w)[d].value).out);
  }
  return outputs(node, {{dtype_of(in, 0), dims}});
}

int weight_axis(const Node&) { return 1; }
int64_t macs(const Node&, std::span<const Shape> in, std::span<const Shape>) {
  return element_count(in[0]) * product(in[1], 1, in[1].size());
}

}  // namespace

extern const OpDef kConvTranspose1{
    .name = "ConvTranspose", .infer = infer, .eval = eval, .quant = compute(1, 2, weight_axis), .macs = macs};

}  // namespace qtool
