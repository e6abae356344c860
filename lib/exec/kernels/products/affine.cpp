#include "exec/kernels/products/affine.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "exec/kernels/function_step.h"
#include "exec/kernels/parallel.h"
#include "kernels/registry.h"

namespace qtool::lowerings {
namespace {

/// A line a channel, code = slope * x + height for the u8 x, and the same in fixed point.
struct Lines {
  std::vector<double> slopes, heights;
  int shift = 0;
  std::vector<int32_t> multiplier, offset;
};

/// True where the line meets a half on some x: the fixed point rounds it up, not to even. Only slopes of few significant bits do.
bool meets_ties(double slope, double height) {
  if (slope == 0 || (std::bit_cast<uint32_t>(static_cast<float>(slope)) & 0xFF) != 0) return false;
  for (int x = 0; x < 256; ++x) {
    const double y = slope * x + height;
    if (std::fabs(y - std::floor(y) - 0.5) < 1e-6) return true;
  }
  return false;
}

void set_slopes(const CodeProduct& products, const QuantParams& out, Lines& lines) {
  const auto weights = products.weights.data<int8_t>();
  const double zero_point = products.zero_point + (products.in_dtype == DType::int8 ? 128 : 0);
  for (size_t c = 0; c < weights.size(); ++c) {
    const double slope = static_cast<double>(products.factors[c]) * weights[c] / out.scale();
    lines.slopes.push_back(slope);
    lines.heights.push_back(products.bias[c] / out.scale() - zero_point * slope + out.zero_point());
  }
}

/// False where a line leaves the range that `shift` has.
bool fits(const Lines& lines, int shift) {
  const double steepest = std::ldexp(1, 22 - shift) - 1e-3, farthest = std::ldexp(1, 30 - shift) - 1;
  for (size_t c = 0; c < lines.slopes.size(); ++c) {
    const double from = lines.heights[c], to = lines.heights[c] + 255 * lines.slopes[c];
    if (!(std::fabs(lines.slopes[c]) < steepest && std::fabs(from) < farthest && std::fabs(to) < farthest)) return false;
  }
  return true;
}

/// Lines repeated so often that they fill blocks of 64 channels, as far as that takes little memory: n pixels of c channels lie like
/// n / repeats of repeats * c.
size_t repeats_of(size_t channels) {
  const size_t repeats = 64 / std::gcd(channels, size_t{64});
  return channels * repeats <= 2048 ? repeats : 1;
}

std::optional<Lines> lines_of(const CodeProduct& products, const QuantParams& out) {
  Lines lines;
  set_slopes(products, out, lines);
  for (size_t c = 0; c < lines.slopes.size(); ++c)
    if (meets_ties(lines.slopes[c], lines.heights[c])) return std::nullopt;
  lines.shift = fits(lines, 20) ? 20 : 18;
  if (!fits(lines, lines.shift)) return std::nullopt;
  const size_t channels = lines.slopes.size(), wide = channels * repeats_of(channels);
  lines.multiplier.assign((wide + 63) / 64 * 64, 0), lines.offset = lines.multiplier;
  for (size_t c = 0; c < wide; ++c) {
    const size_t i = kernels::affine_index(c), from = c % channels;
    lines.multiplier[i] = static_cast<int32_t>(std::lround(std::ldexp(lines.slopes[from], lines.shift)));
    lines.offset[i] = static_cast<int32_t>(std::lround(std::ldexp(lines.heights[from] + 0.5, lines.shift)));
  }
  return lines;
}

/// Pixels of any number: those that fill `repeats`, then the rest as one pixel of fewer channels.
void run_pixels(const kernels::Variant<kernels::Affine>& kernel, kernels::AffineArgs args, size_t repeats) {
  const size_t full = args.pixels / repeats, rest = args.pixels % repeats * args.channels, wide = repeats * args.channels;
  args.pixels = full, args.channels = wide;
  kernel.run(args);
  args.in += full * wide, args.out += full * wide;
  args.pixels = rest > 0 ? 1 : 0, args.channels = rest;
  kernel.run(args);
}

bool one_weight_a_channel(const Cluster& cluster, const Shape& weights) {
  const auto all = [&](const char* attribute, int64_t value) {
    const Shape values = cluster.root->attr_or(attribute, Shape{});
    return std::all_of(values.begin(), values.end(), [&](int64_t v) { return v == value; });
  };
  return weights.size() > 2 && product(weights, 1, weights.size()) == 1 && cluster.root->attr_or("group", int64_t{1}) == weights[0] &&
         all("strides", 1) && all("pads", 0);
}

}  // namespace

std::optional<Lowered> lower_affine(const Cluster& cluster, const CodeProduct& products, const CodeBounds& bounds) {
  const auto& kernel = kernels::best<kernels::Affine>();
  if (!one_weight_a_channel(cluster, products.weights.shape())) return std::nullopt;
  const auto lines = lines_of(products, *cluster.outputs[0].params);
  if (!lines) return std::nullopt;
  const auto run = [&kernel, lines = *lines, bounds, channels = products.weights.shape()[0], from = products.in_dtype,
                    to = cluster.outputs[0].params->dtype](StepInputs inputs, std::span<Array> outputs, StepContext& context) {
    const Tensor& x = inputs[0]->tensor;
    expect_type(*inputs[0], from);
    if (x.rank() < 3 || x.shape()[1] != channels) throw CannotRun("another number of channels");
    outputs[0] = {context.pool.tensor(to, x.shape()), Layout::channels_last};
    const uint8_t* in = codes_in(*inputs[0]);
    uint8_t* out = codes_out(outputs[0]);
    in_parts(context.threads, x.size() / channels, 2 * x.size(), [&](int64_t first, int64_t last) {
      const auto pixels = static_cast<size_t>(last - first), repeats = repeats_of(static_cast<size_t>(channels));
      const uint8_t flip = from == DType::int8 ? 0x80 : 0;
      run_pixels(kernel,
                 {in + first * channels, out + first * channels, pixels, static_cast<size_t>(channels), flip, lines.multiplier.data(),
                  lines.offset.data(), lines.shift, bounds.lo, bounds.hi},
                 repeats);
    });
  };
  return make_lowered(LayoutRule::channels_last, std::string(kernel.name), run);
}

}  // namespace qtool::lowerings
