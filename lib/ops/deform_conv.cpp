// DeformConv: Conv whose taps are moved by offsets [N, offset_group * taps * 2, out...] and weighted by a mask; x is read between
// pixels with bilinear weights, zero outside. Two spatial dimensions.
#include <cmath>

#include "ops/helpers/broadcast.h"
#include "ops/helpers/conv.h"
#include "ops/helpers/infer.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

using Reals = std::vector<double>;

double at(const double* plane, int64_t h, int64_t w, int64_t y, int64_t x) {
  return y < 0 || x < 0 || y >= h || x >= w ? 0 : plane[y * w + x];
}

double bilinear(const double* plane, int64_t h, int64_t w, double y, double x) {
  if (!(y > -1 && x > -1 && y < static_cast<double>(h) && x < static_cast<double>(w))) return 0;
  const auto top = static_cast<int64_t>(std::floor(y)), left = static_cast<int64_t>(std::floor(x));
  const double dy = y - static_cast<double>(top), dx = x - static_cast<double>(left);
  return (1 - dy) * ((1 - dx) * at(plane, h, w, top, left) + dx * at(plane, h, w, top, left + 1)) +
         dy * ((1 - dx) * at(plane, h, w, top + 1, left) + dx * at(plane, h, w, top + 1, left + 1));
}

struct Fields {
  Reals offset, mask;
  int64_t groups, taps, plane;  // plane: output positions
  double shift(int64_t n, int64_t group, int64_t tap, int64_t axis, int64_t o) const {
    return offset[static_cast<size_t>((((n * groups + group) * taps + tap) * 2 + axis) * plane + o)];
  }
  double weight(int64_t n, int64_t group, int64_t tap, int64_t o) const {
    return mask.empty() ? 1 : mask[static_cast<size_t>(((n * groups + group) * taps + tap) * plane + o)];
  }
};

/// What tap (i, j) of channel c reads for output (oy, ox).
double read(const double* plane, const std::vector<Window>& w, const Fields& f, int64_t n, int64_t group, int64_t tap, int64_t o) {
  const int64_t i = tap / w[1].kernel, j = tap % w[1].kernel, oy = o / w[1].out, ox = o % w[1].out;
  const double y = static_cast<double>(oy * w[0].stride - w[0].pad_begin + i * w[0].dilation) + f.shift(n, group, tap, 0, o);
  const double x = static_cast<double>(ox * w[1].stride - w[1].pad_begin + j * w[1].dilation) + f.shift(n, group, tap, 1, o);
  return f.weight(n, group, tap, o) * bilinear(plane, w[0].in, w[1].in, y, x);
}

Fields fields_of(const Node& node, TensorsIn in, const ConvGeometry& g) {
  const Tensor& mask = optional_input(in, 4);
  Fields f{to_doubles(input(in, 2)), mask.defined() ? to_doubles(mask) : Reals(), node.attr_or("offset_group", 1),
           g.windows[0].kernel * g.windows[1].kernel, g.windows[0].out * g.windows[1].out};
  require(f.groups > 0 && g.in_channels % f.groups == 0, "offset_group does not divide the channels");
  const int64_t count = g.batch * f.groups * f.taps * f.plane;
  require(std::ssize(f.offset) == 2 * count && (f.mask.empty() || std::ssize(f.mask) == count), "offset or mask has the wrong size");
  return f;
}

void eval(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor &x = input(in, 0), &w = input(in, 1);
  const ConvGeometry g = conv_geometry(node, x.shape(), w.shape());
  if (g.windows.size() != 2) throw unsupported("DeformConv with " + std::to_string(g.windows.size()) + " spatial dimensions");
  const Fields f = fields_of(node, in, g);
  const Reals values = to_doubles(x), weights = to_doubles(w);
  const int64_t channels = g.in_channels / g.group, features = g.out_channels / g.group, image = g.windows[0].in * g.windows[1].in;
  Tensor sums = Tensor::zeros(DType::float64, g.output_shape());
  double* y = elements<double>(sums);
  for (int64_t row = 0; row < g.batch * g.out_channels; ++row) {
    const int64_t n = row / g.out_channels, feature = row % g.out_channels, group = feature / features;
    for (int64_t o = 0; o < f.plane; ++o)
      for (int64_t c = 0; c < channels; ++c)
        for (int64_t tap = 0; tap < f.taps; ++tap) {
          const int64_t channel = group * channels + c;
          const double value =
              read(values.data() + (n * g.in_channels + channel) * image, g.windows, f, n, channel / (g.in_channels / f.groups), tap, o);
          y[row * f.plane + o] += value * weights[static_cast<size_t>((feature * channels + c) * f.taps + tap)];
        }
  }
  if (const Tensor& bias = optional_input(in, 3); bias.defined()) add_channel_bias(sums, bias);
  out[0] = sums.cast(x.dtype());
}

TypeList infer(const Node& node, const InferInput& in) { return infer_conv(node, in, dtype_of(in, 0), 1); }

}  // namespace

extern const OpDef kDeformConv19{.name = "DeformConv", .since = 19, .infer = infer, .eval = eval};

}  // namespace qtool
