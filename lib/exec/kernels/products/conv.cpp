// Conv: 1d, 2d, 3d, any stride, dilation, group, padding, on codes and on floats. Channels last. Every window's rows are gathered by the
// product kernel.

#include <algorithm>
#include <atomic>
#include <type_traits>

#include "exec/kernels/by_shape.h"
#include "exec/kernels/elementwise/table.h"
#include "exec/kernels/products/affine.h"
#include "exec/kernels/products/border_conv.h"
#include "exec/kernels/products/code_side.h"
#include "exec/kernels/products/conv_weights.h"
#include "exec/kernels/products/depthwise.h"
#include "exec/kernels/products/float_side.h"
#include "exec/kernels/products/image.h"
#include "exec/kernels/products/kernel_products.h"
#include "exec/kernels/products/passes.h"
#include "exec/kernels/products/run.h"
#include "exec/kernels/products/winograd.h"

namespace qtool::lowerings {
namespace {

/// Convolution of one input shape.
struct Shaped {
  Shape out;
  Geometry geometry;
  std::vector<std::ptrdiff_t> offsets;  ///< none: a matrix
};

template <class Side>
class ConvStep : public Step, public TakesTable {
 public:
  ConvStep(const Node& node, Side side) : node_(node), side_(std::move(side)) {
    const Shape shape = side_.weights().shape();
    group_ = node.attr_or("group", int64_t{1});
    kernel_.assign(shape.begin() + 2, shape.end());
    const Shape dilations = node.attr_or("dilations", Shape(kernel_.size(), 1));
    joined_ = group_ == 1 && dilations.back() == 1;
    channels_ = shape[1] * group_, out_channels_ = shape[0];
    if constexpr (kCodes) winograd_ = WinogradSide::of(node, side_);
    pack(shape);
  }

  bool take(const Table& table, DType to) override { return side_.take(table, to); }

  void run(StepInputs inputs, std::span<Array> outputs, StepContext& context) override {
    const Tensor& x = inputs[0]->tensor;
    expect_type(*inputs[0], side_.in_dtype());
    const auto shaped = shaped_.get(x.shape(), [&](const Shape& in) { return shape(in); });
    outputs[0] = {context.pool.tensor(side_.out_dtype(), shaped->out), Layout::channels_last};
    if (outputs[0].tensor.size() == 0) return;
    const Image image(shaped->geometry, x, side_.zero(), side_.flips(), slack_, context);
    if (by_winograd(*shaped, image, outputs[0].tensor.mutable_bytes(), context)) return;
    multiply(*shaped, image.data<typename Side::Element>(), other_of(side_.residual(), inputs, shaped->out),
             outputs[0].tensor.mutable_bytes(), context.threads);
  }

  std::string kernel() const override {
    if constexpr (kCodes)
      if (winograd_taken_) return side_.named(kernels::best<kernels::Winograd>().name);
    return side_.kernel();
  }

 private:
  static constexpr bool kCodes = std::is_same_v<Side, CodeSide>;

  /// A tap's depth is padded to what the kernel takes whole: it reads the bytes behind, and weighs them with zeros. Where that wastes
  /// much, the taps are pieces of one row instead, which the kernel puts together.
  void pack(const Shape& shape) {
    const size_t row = joined_ ? static_cast<size_t>(kernel_.back()) : 1, each = static_cast<size_t>(shape[0] / group_);
    const size_t taps = static_cast<size_t>(element_count(kernel_)) / row, depth = row * static_cast<size_t>(shape[1]);
    const bool in_pieces = side_.better_in_pieces(taps, depth, each);
    const size_t padded = in_pieces ? depth : side_.padded_depth(depth);
    slack_ = padded - depth;
    side_.set_weights(by_taps(side_.weights(), static_cast<int64_t>(row), static_cast<int64_t>(padded)));
    for (size_t g = 0; g < static_cast<size_t>(group_); ++g) {
      WeightView view{g * each * taps * padded, {0}, in_pieces ? taps * padded : padded, 1, each, taps * padded};
      for (size_t t = 1; t < taps && !in_pieces; ++t) view.taps.push_back(t * padded);
      side_.add(view, g * each, in_pieces ? taps : 1);
    }
    side_.finish();
  }

  Shaped shape(const Shape& in) const {
    if (in.size() != kernel_.size() + 2 || in[1] != channels_) throw CannotRun("another rank or number of channels");
    const Window window = window_of(node_, in, kernel_);
    if (std::any_of(window.begin.begin(), window.begin.end(), [](int64_t n) { return n < 0; })) throw CannotRun("negative padding");
    const Shape spatial = window.output(in);
    Shaped shaped{{in[0], out_channels_}, Geometry(window, in, spatial), {}};
    shaped.out.insert(shaped.out.end(), spatial.begin(), spatial.end());
    if (!shaped.geometry.is_matrix() && element_count(shaped.out) > 0) shaped.offsets = window_offsets(shaped.geometry, joined_);
    return shaped;
  }

  /// True where that did it.
  bool by_winograd(const Shaped& shaped, const Image& image, std::byte* out, StepContext& context) {
    if constexpr (kCodes) {
      const bool pays = winograd_ && winograd_->pays(shaped.geometry);
      if (pays) winograd_->run(side_.arguments(0), image.template data<int8_t>(), shaped.geometry, out, context);
      return winograd_taken_ = pays;
    }
    return false;
  }

  void multiply(const Shaped& shaped, const typename Side::Element* image, const uint8_t* other, std::byte* out, int threads) const {
    const Geometry& g = shaped.geometry;
    const int64_t images = shaped.offsets.empty() ? 1 : g.batch, pixels = g.batch * g.out_pixels() / images;
    const int64_t blocks = (pixels + kRowsAtOnce - 1) / kRowsAtOnce;
    const auto& packing = side_.packing();
    const int64_t macs = g.batch * g.out_pixels() * out_channels_ * static_cast<int64_t>(packing.taps * packing.depth);
    share_out(threads, images * blocks, packing.panels(), macs, [&](int64_t block, size_t first, size_t last) {
      const int64_t n = block / blocks, pixel = block % blocks * kRowsAtOnce;
      for (int64_t group = 0; group < group_; ++group) {
        typename Side::Args args = side_.arguments(static_cast<size_t>(group));
        args.m = static_cast<size_t>(std::min(kRowsAtOnce, pixels - pixel));
        args.a = image + n * g.extent_pixels() * channels_ + group * (channels_ / group_);
        place(shaped, pixel, args);
        const int64_t at = (n * pixels + pixel) * out_channels_ + group * (out_channels_ / group_);
        set_out(args, out, at);
        if (other) set_second(args, other + at, static_cast<size_t>(out_channels_));
        args.out_stride = static_cast<size_t>(out_channels_);
        side_.run(args, first, last);
      }
    });
  }

  void place(const Shaped& shaped, int64_t pixel, typename Side::Args& args) const {
    if (shaped.offsets.empty()) {
      args.a += pixel * channels_;
      args.a_stride = static_cast<size_t>(channels_);
      return;
    }
    args.offsets = shaped.offsets.data() + pixel;
    args.offsets_step = static_cast<size_t>(shaped.geometry.out_pixels());
  }

  const Node& node_;
  Side side_;
  int64_t group_, channels_, out_channels_;
  Shape kernel_;
  bool joined_;
  size_t slack_ = 0;
  std::optional<WinogradSide> winograd_;
  std::atomic<bool> winograd_taken_ = false;  ///< by the last run
  ByShape<Shaped> shaped_;
};

Lowered conv_of(const Cluster& cluster, CodeSide side) {
  const Node& node = *cluster.root;
  if (leaves_out_padding(node, side)) return {border_conv(node, std::move(side)), LayoutRule::channels_last};
  return {std::make_unique<ConvStep<CodeSide>>(node, std::move(side)), LayoutRule::channels_last};
}

std::optional<Lowered> lower_codes(const Cluster& head, const Channels& channels, size_t first, const CodeKernel& kernel,
                                   std::string& reason) {
  auto product = read_code_product(head, 0, channels, reason);
  if (!product) return std::nullopt;
  const auto ending = ending_of(head, first);
  if (!ending) return reason = "no kernel for what follows", std::nullopt;
  if (const auto bounds = bounds_behind(head, first)) {
    product->weight_sums = sums_by_first_axis(product->weights);
    if (auto affine = lower_affine(head, *product, *bounds)) return affine;
    if (auto depthwise = lower_depthwise(head, *product, *bounds)) return depthwise;
  }
  return conv_of(head, CodeSide(std::move(*product), *ending, kernel));
}

/// With a residual connection in the epilogue.
std::optional<Lowered> lower_residual(const Cluster& cluster, const Channels& channels, size_t first, const CodeKernel& kernel) {
  auto residual = kernel.is_unsigned ? residual_of(cluster, first) : std::nullopt;
  auto ending = residual ? ending_of(residual->head, first) : std::nullopt;
  std::string reason;
  auto product = ending ? read_code_product(residual->head, 0, channels, reason) : std::nullopt;
  if (!product) return std::nullopt;
  ending->dtype = residual->out_dtype;
  ending->residual = std::move(residual);
  return conv_of(cluster, CodeSide(std::move(*product), *ending, kernel));
}

std::optional<Lowered> lower_floats(const Cluster& head, const Channels& channels, size_t first, std::string& reason) {
  auto product = read_float_product(head, channels, first, reason);
  if (!product) return std::nullopt;
  return Lowered{std::make_unique<ConvStep<FloatSide>>(*head.root, FloatSide(std::move(*product))), LayoutRule::channels_last};
}

}  // namespace

LowerResult lower_kernel_conv(const Model& model, const Cluster& cluster, const CodeKernel& kernel) {
  if (!cluster.inputs[1].constant()) return Declined{"the weight is no constant"};
  const Shape shape = cluster.inputs[1].value->constant()->shape();
  if (shape.size() < 3 || shape.size() > 5 || element_count(shape) == 0) return Declined{"not one to three dimensions"};
  const int64_t group = cluster.root->attr_or("group", int64_t{1});
  if (group < 1 || shape[0] % group != 0) return Declined{"groups that do not divide the channels"};
  if (product(shape, 2, shape.size()) * (shape[1] + 8) > kDeepest) return Declined{"deeper than the kernel sums up"};
  const Channels channels{shape.size(), 1, shape[0]};
  const bool codes = cluster.inputs[0].quantized();
  const size_t first = leading_constants(cluster, channels);
  if (codes)
    if (auto whole = lower_residual(cluster, channels, first, kernel)) return std::move(*whole);
  std::string reason;
  auto divided = divide(model, cluster, codes ? HeadKind::codes : HeadKind::clamped_floats, first, reason);
  if (!divided) return Declined{reason};
  auto head = codes ? lower_codes(divided->head, channels, first, kernel, reason) : lower_floats(divided->head, channels, first, reason);
  if (!head) return Declined{reason};
  return with_passes(std::move(*head), std::move(*divided));
}

}  // namespace qtool::lowerings
