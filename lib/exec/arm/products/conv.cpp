// Conv: 1d, 2d, 3d, any stride, dilation, group, padding, on codes. Channels last. Every window's rows are gathered by the product kernel.

#include <algorithm>
#include <mutex>

#include "exec/arm/lowerings.h"
#include "exec/arm/products/image.h"
#include "exec/arm/products/run.h"
#include "exec/kernels/elementwise/table.h"
#include "exec/kernels/products/depthwise.h"
#include "exec/kernels/products/passes.h"

namespace qtool::arm {
namespace {

constexpr size_t kMaxSpecializations = 8;

/// [out, in, place] -> [out, place, in]: what the kernel sums up lies side by side.
Tensor channels_innermost(const Tensor& weights) {
  const int64_t out = weights.shape()[0], in = weights.shape()[1], places = product(weights.shape(), 2, weights.rank());
  Tensor result(DType::int8, weights.shape());
  for (int64_t o = 0; o < out; ++o)
    kernels::best<kernels::Transpose>().run({weights.bytes() + o * in * places, result.mutable_bytes() + o * in * places,
                                             static_cast<size_t>(in), static_cast<size_t>(places), static_cast<size_t>(places),
                                             static_cast<size_t>(in), 1});
  return result;
}

/// Convolution of one input shape.
struct Shaped {
  Shape in, out;
  Geometry geometry;
  std::vector<std::ptrdiff_t> offsets;  ///< none: a matrix
};

class ConvStep : public Step, public TakesTable {
 public:
  ConvStep(const Node& node, CodeProduct product, const Ending& ending)
      : node_(node), zero_point_(signed_zero_point(product)), in_dtype_(product.in_dtype), ending_(ending) {
    const Shape& shape = product.weights.shape();
    group_ = node.attr_or("group", int64_t{1});
    kernel_.assign(shape.begin() + 2, shape.end());
    const Shape dilations = node.attr_or("dilations", Shape(kernel_.size(), 1));
    joined_ = group_ == 1 && dilations.back() == 1;
    channels_ = shape[1] * group_, out_channels_ = shape[0];
    pack(std::move(product));
  }

  bool take(const Table& table, DType to) override {
    if (ending_.form != kernels::GemmForm::codes) return false;
    table_ = table;
    ending_.dtype = to;
    return true;
  }

  void run(StepInputs inputs, std::span<Array> outputs, StepContext& context) override {
    const Tensor& x = inputs[0]->tensor;
    expect_type(*inputs[0], in_dtype_);
    const std::shared_ptr<const Shaped> shaped = shaped_for(x.shape());
    outputs[0] = {context.pool.tensor(ending_.dtype, shaped->out), Layout::channels_last};
    if (outputs[0].tensor.size() == 0) return;
    const Image image(shaped->geometry, x, zero_point_, context);
    multiply(*shaped, image.data(), reinterpret_cast<uint8_t*>(outputs[0].tensor.mutable_bytes()), context.threads);
  }

  std::string kernel() const override { return gemm_name(groups_[0].lowest) + (table_ ? "+table" : ""); }

 private:
  void pack(CodeProduct product) {
    const Shape& shape = product.weights.shape();
    const auto depth = static_cast<size_t>(shape[1]), places = static_cast<size_t>(element_count(kernel_));
    const size_t row = joined_ ? static_cast<size_t>(kernel_.back()) : 1, each = static_cast<size_t>(shape[0] / group_);
    product.weights = channels_innermost(product.weights);
    for (size_t g = 0; g < static_cast<size_t>(group_); ++g) {
      WeightView view{g * each * places * depth, {}, row * depth, 1, each, places * depth};
      for (size_t t = 0; t < places / row; ++t) view.taps.push_back(t * row * depth);
      groups_.push_back(make_columns(product, view, g * each, ending_));
    }
  }

  std::shared_ptr<const Shaped> shaped_for(const Shape& in) {
    std::lock_guard lock(mutex_);
    for (const auto& known : shaped_)
      if (known->in == in) return known;
    if (shaped_.size() == kMaxSpecializations) shaped_.erase(shaped_.begin());
    shaped_.push_back(shape(in));
    return shaped_.back();
  }

  std::shared_ptr<const Shaped> shape(const Shape& in) const {
    if (in.size() != kernel_.size() + 2 || in[1] != channels_) throw CannotRun("another rank or number of channels");
    const Window window = window_of(node_, in, kernel_);
    if (std::any_of(window.begin.begin(), window.begin.end(), [](int64_t n) { return n < 0; })) throw CannotRun("negative padding");
    const Shape spatial = window.output(in);
    Shaped shaped{in, {in[0], out_channels_}, Geometry(window, in, spatial), {}};
    shaped.out.insert(shaped.out.end(), spatial.begin(), spatial.end());
    if (!shaped.geometry.is_matrix() && element_count(shaped.out) > 0) shaped.offsets = window_offsets(shaped.geometry, joined_);
    return std::make_shared<const Shaped>(std::move(shaped));
  }

  void multiply(const Shaped& shaped, const int8_t* image, uint8_t* out, int threads) const {
    const Geometry& g = shaped.geometry;
    const int64_t images = shaped.offsets.empty() ? 1 : g.batch,
                  pixels = shaped.offsets.empty() ? g.batch * g.out_pixels() : g.out_pixels();
    const int64_t blocks = (pixels + kRowsAtOnce - 1) / kRowsAtOnce, width = static_cast<int64_t>(element_size(ending_.dtype));
    const kernels::GemmPacking& packing = groups_[0].packing;
    const int64_t macs = g.batch * g.out_pixels() * out_channels_ * static_cast<int64_t>(packing.taps * packing.depth);
    share_out(threads, images * blocks, packing.panels(), macs, [&](int64_t block, size_t first, size_t last) {
      const int64_t n = block / blocks, pixel = block % blocks * kRowsAtOnce;
      for (size_t group = 0; group < groups_.size(); ++group) {
        kernels::GemmArgs args = arguments_of(groups_[group], ending_, table_ ? table_->data() : nullptr);
        args.m = static_cast<size_t>(std::min(kRowsAtOnce, pixels - pixel));
        args.a = image + n * g.extent_pixels() * channels_ + static_cast<int64_t>(group) * (channels_ / group_);
        place(shaped, pixel, args);
        args.out = out + ((n * pixels + pixel) * out_channels_ + static_cast<int64_t>(group) * (out_channels_ / group_)) * width;
        args.out_stride = static_cast<size_t>(out_channels_);
        run_panels(args, first, last);
      }
    });
  }

  void place(const Shaped& shaped, int64_t pixel, kernels::GemmArgs& args) const {
    if (shaped.offsets.empty()) {
      args.a += pixel * channels_;
      args.a_stride = static_cast<size_t>(channels_);
      return;
    }
    args.offsets = shaped.offsets.data() + pixel;
    args.offsets_step = static_cast<size_t>(shaped.geometry.out_pixels());
  }

  const Node& node_;
  const int32_t zero_point_;
  const DType in_dtype_;
  Ending ending_;
  int64_t group_, channels_, out_channels_;
  Shape kernel_;
  bool joined_;
  std::vector<Columns> groups_;
  std::optional<Table> table_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<const Shaped>> shaped_;
};

std::optional<Lowered> lower_head(const Cluster& head, CodeProduct product, size_t first, std::string& reason) {
  const auto ending = ending_of(head, first);
  if (!ending) return reason = "no kernel for what follows", std::nullopt;
  if (const auto bounds = bounds_behind(head, first)) {
    product.weight_sums = sums_by_first_axis(product.weights);
    if (auto depthwise = lower_depthwise(head, product, *bounds)) return depthwise;
  }
  return Lowered{std::make_unique<ConvStep>(*head.root, std::move(product), *ending), LayoutRule::channels_last};
}

}  // namespace

LowerResult lower_conv(const Model& model, const Cluster& cluster) {
  if (!cluster.inputs[1].constant()) return Declined{"the weight is no constant"};
  if (!cluster.inputs[0].quantized()) return Declined{"no kernel for floats"};
  const Shape shape = cluster.inputs[1].value->constant()->shape();
  if (shape.size() < 3 || shape.size() > 5 || element_count(shape) == 0) return Declined{"not one to three dimensions"};
  const int64_t group = cluster.root->attr_or("group", int64_t{1});
  if (group < 1 || shape[0] % group != 0) return Declined{"groups that do not divide the channels"};
  if (product(shape, 1, shape.size()) > kDeepest) return Declined{"deeper than the kernel sums up"};
  const Channels channels{shape.size(), 1, shape[0]};
  std::string reason;
  auto product = read_code_product(cluster, 0, channels, reason);
  const size_t first = leading_constants(cluster, channels);
  auto divided = product ? divide(model, cluster, first, reason) : std::nullopt;
  auto head = divided ? lower_head(divided->head, std::move(*product), first, reason) : std::nullopt;
  if (!head) return Declined{reason};
  return with_passes(std::move(*head), std::move(*divided));
}

}  // namespace qtool::arm
