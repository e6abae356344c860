#include "exec/kernels/products/depthwise.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "exec/kernels/by_shape.h"
#include "exec/kernels/elementwise/table.h"
#include "exec/kernels/function_step.h"
#include "exec/kernels/parallel.h"
#include "exec/kernels/windows/window.h"
#include "kernels/registry.h"

namespace qtool::lowerings {
namespace {

using kernels::DepthwiseArgs;
using kernels::DepthwisePacking;

/// What does not depend on the input's shape.
struct Constants {
  int64_t kh, kw, stride, dilation;  ///< stride and dilation of rows
  DepthwisePacking packing;
  std::vector<int8_t> weights;
  std::vector<int32_t> start;
  std::vector<float> scale, shift;
  DepthwiseArgs args{};  ///< without pointers
  DType in_dtype, out_dtype;
  uint8_t padding;  ///< code of zero
};

/// Two output rows at once where the rows they read fill no more groups of four than those of one.
size_t rows_at_once(int64_t kh, int64_t stride, int64_t dilation, size_t groups) {
  return dilation == 1 && kh + stride <= static_cast<int64_t>(4 * groups) ? 2 : 1;
}

void pack_weights(const Tensor& weights, Constants& k) {
  const auto codes = weights.data<int8_t>();
  const DepthwisePacking& p = k.packing;
  const auto kh = static_cast<size_t>(k.kh), stride = static_cast<size_t>(k.stride);
  k.weights.assign(p.size(), 0);
  for (size_t b = 0; b < p.blocks(); ++b)
    for (size_t c = p.first(b); c < std::min(p.first(b) + 16, p.channels); ++c)
      for (size_t t = 0; t < p.shifts; ++t)
        for (size_t ky = 0; ky < kh; ++ky)
          for (size_t kx = 0; kx < p.kw; ++kx) k.weights[p.index(b, t, kx, ky + t * stride, c)] = codes[(c * kh + ky) * p.kw + kx];
}

/// In steps of the output; false where sums may leave the range of the kernel.
bool set_scales(const CodeProduct& products, double out_scale, Constants& k) {
  const size_t padded = std::max<size_t>(16, k.packing.channels);
  k.start.resize(padded), k.scale.resize(padded), k.shift.resize(padded);
  const double most = 255.0 * 128 * static_cast<double>(k.kh * k.kw);
  for (size_t c = 0; c < k.packing.channels; ++c) {
    const double scale = products.factors[c] / out_scale, sum = static_cast<double>(products.weight_sums[c]);
    k.start[c] = static_cast<int32_t>(-128 * products.weight_sums[c]);
    k.scale[c] = static_cast<float>(scale);
    k.shift[c] = static_cast<float>(products.bias[c] / out_scale + (128 - k.args.zero_point) * sum * scale);
    if (!(std::fabs(k.scale[c]) * 2 * most + std::fabs(k.shift[c]) < 0x1p30)) return false;
  }
  return true;
}

std::optional<Constants> constants_of(const Cluster& cluster, const CodeProduct& products, const CodeBounds& bounds) {
  const Shape& shape = products.weights.shape();
  const Shape strides = cluster.root->attr_or("strides", Shape{1, 1}), dilations = cluster.root->attr_or("dilations", Shape{1, 1});
  const QuantParams& out = *cluster.outputs[0].params;
  Constants k{};
  k.kh = shape[2], k.kw = shape[3], k.stride = strides[0], k.dilation = dilations[0];
  const auto groups = static_cast<size_t>(k.kh + 3) / 4, shifts = rows_at_once(k.kh, k.stride, k.dilation, groups);
  k.packing = {static_cast<size_t>(shape[0]), static_cast<size_t>(k.kw), groups, shifts};
  k.in_dtype = products.in_dtype, k.out_dtype = out.dtype;
  k.padding = static_cast<uint8_t>(products.zero_point);
  DepthwiseArgs& args = k.args;
  args.groups = groups, args.kw = k.packing.kw, args.stride = static_cast<size_t>(strides[1]);
  args.dilation = static_cast<size_t>(dilations[1]);
  args.channels = k.packing.channels, args.shifts = shifts;
  args.flip = products.in_dtype == DType::int8 ? 0x80 : 0;
  args.zero_point = k.padding ^ args.flip;
  args.out_zero_point = out.zero_point(), args.lo = bounds.lo, args.hi = bounds.hi;
  pack_weights(products.weights, k);
  if (!set_scales(products, out.scale(), k)) return std::nullopt;
  return k;
}

constexpr int64_t kMostTimes = 16, kNear = 65536;  ///< kNear: bytes

class DepthwiseStep : public Step, public TakesTable {
 public:
  DepthwiseStep(const Node& node, Constants constants) : node_(node), k_(std::move(constants)) {}

  bool take(const Table& table, DType to) override {
    table_ = table;
    k_.out_dtype = to;
    return true;
  }

  void run(StepInputs inputs, std::span<Array> outputs, StepContext& context) override {
    const Tensor& x = inputs[0]->tensor;
    expect_type(*inputs[0], k_.in_dtype);
    const auto shaped = shaped_.get(x.shape(), [&](const Shape& in) { return shape(in); });
    outputs[0] = {context.pool.tensor(k_.out_dtype, shaped->out), Layout::channels_last};
    if (outputs[0].tensor.size() == 0) return;
    const Images images{*shaped, codes_in(*inputs[0]), codes_out(outputs[0])};
    const auto at_once = static_cast<int64_t>(k_.packing.shifts), calls = (shaped->out[2] + at_once - 1) / at_once;
    in_parts(context.threads, shaped->out[0] * calls, x.size() + outputs[0].tensor.size(), [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last;) {
        const int64_t oy = i % calls * at_once, times = std::min(last - i, times_at_once(*shaped, oy));
        run_rows(images, i / calls, oy, times);
        i += times;
      }
    });
  }

  std::string kernel() const override { return std::string(kernels::best<kernels::Depthwise>().name) + (table_ ? "+table" : ""); }

 private:
  /// What one input shape asks for.
  struct Shaped {
    Shape in, out;
    int64_t top, left;
    std::vector<uint8_t> zeros;  ///< a row of them
  };
  struct Images {
    const Shaped& shaped;
    const uint8_t* x;
    uint8_t* y;
  };

  Shaped shape(const Shape& in) const {
    if (in.size() != 4 || in[1] != static_cast<int64_t>(k_.packing.channels)) throw CannotRun("another number of channels");
    const Window window = window_of(node_, in, {k_.kh, k_.kw});
    const Shape spatial = window.output(in);
    return {in,
            {in[0], in[1], spatial[0], spatial[1]},
            window.begin[0],
            window.begin[1],
            std::vector<uint8_t>(static_cast<size_t>(in[3] * in[1]), k_.padding)};
  }

  /// How often one call repeats its rows, from row oy on: what it needs to know of the weights is then found out once, and two times may
  /// share what they read. What is read must stay near, as every 16 channels pass over it.
  int64_t times_at_once(const Shaped& shaped, int64_t oy) const {
    const auto rows = static_cast<int64_t>(k_.packing.shifts);
    const int64_t near = kNear / std::max<int64_t>(1, shaped.in[3] * shaped.in[1] * k_.stride * rows);
    const int64_t times = std::min({(shaped.out[2] - oy) / rows, near, kMostTimes});
    return times > 1 ? times / 2 * 2 : 1;
  }

  /// Output rows oy .. of image n, as many as a call computes `times` times.
  void run_rows(const Images& images, int64_t n, int64_t oy, int64_t times) const {
    const auto& [in, out, top, left, zeros] = images.shaped;
    const int64_t height = in[2], row = in[3] * in[1], out_row = out[3] * out[1];
    const auto at_once = static_cast<int64_t>(k_.packing.shifts), each = static_cast<int64_t>(4 * k_.packing.groups);
    const uint8_t* rows[8 * kMostTimes];
    for (int64_t r = 0; r < each * times; ++r) {
      const int64_t iy = (oy + r / each * at_once) * k_.stride - top + r % each * k_.dilation;
      rows[r] = iy < 0 || iy >= height ? zeros.data() : images.x + (n * height + iy) * row;
    }
    uint8_t* y = images.y + (n * out[2] + oy) * out_row;
    DepthwiseArgs args = k_.args;
    args.rows = rows, args.left = static_cast<size_t>(left);
    args.in_width = static_cast<size_t>(in[3]), args.out_width = static_cast<size_t>(out[3]);
    args.out_rows = std::min(k_.packing.shifts, static_cast<size_t>(out[2] - oy));
    args.weights = k_.weights.data(), args.start = k_.start.data(), args.scale = k_.scale.data(), args.shift = k_.shift.data();
    args.table = table_ ? table_->data() : nullptr;
    args.out[0] = y, args.out[1] = y + out_row;
    args.times = static_cast<size_t>(times), args.out_step = static_cast<size_t>(at_once * out_row);
    kernels::best<kernels::Depthwise>().run(args);
  }

  const Node& node_;
  Constants k_;
  std::optional<Table> table_;
  ByShape<Shaped> shaped_;
};

/// What the kernel's contract covers.
bool suits(const Cluster& cluster, const CodeProduct& products) {
  const Shape& shape = products.weights.shape();
  const Node& node = *cluster.root;
  if (shape.size() != 4 || shape[1] != 1 || node.attr_or("group", int64_t{1}) != shape[0] || shape[2] > 8) return false;
  const Shape strides = node.attr_or("strides", Shape{1, 1}), dilations = node.attr_or("dilations", Shape{1, 1});
  const Shape pads = node.attr_or("pads", Shape(4, 0));
  return strides.size() == 2 && dilations.size() == 2 && pads.size() == 4 && *std::min_element(pads.begin(), pads.end()) >= 0;
}

}  // namespace

std::optional<Lowered> lower_depthwise(const Cluster& cluster, const CodeProduct& products, const CodeBounds& bounds) {
  if (!suits(cluster, products)) return std::nullopt;
  auto constants = constants_of(cluster, products, bounds);
  if (!constants) return std::nullopt;
  return Lowered{std::make_unique<DepthwiseStep>(*cluster.root, std::move(*constants)), LayoutRule::channels_last};
}

}  // namespace qtool::lowerings
