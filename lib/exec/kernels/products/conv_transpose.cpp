// ConvTranspose of 1 to 3 dimensions on codes and on floats, channels last: output pixels that lie a stride apart meet the same weights, so
// each such set of them is a convolution of its own, written with gaps.

#include <algorithm>
#include <array>

#include "exec/kernels/by_shape.h"
#include "exec/kernels/elementwise/table.h"
#include "exec/kernels/parallel.h"
#include "exec/kernels/products/code_side.h"
#include "exec/kernels/products/float_side.h"
#include "exec/kernels/products/kernel_products.h"
#include "exec/kernels/products/passes.h"
#include "exec/kernels/products/patches.h"
#include "exec/kernels/products/run.h"
#include "exec/kernels/windows/window.h"

namespace qtool::lowerings {
namespace {

constexpr size_t kDims = 3;
using Triple = std::array<int64_t, kDims>;

/// Three numbers of which the last `values.size()` are given.
Triple in_three(const Shape& values, int64_t absent) {
  Triple result{absent, absent, absent};
  std::copy(values.begin(), values.end(), result.begin() + static_cast<std::ptrdiff_t>(kDims - values.size()));
  return result;
}

/// What does not depend on the input.
struct Grid {
  Triple kernel, stride, dilation, begin, end;  ///< end: output_padding taken off
  int64_t in_channels, out_channels, group;     ///< channels of all groups
  int64_t each() const { return out_channels / group; }

  /// Which weights along dimension d reach output positions o with (o + begin) % stride == phase.
  std::vector<int64_t> reaching(size_t d, int64_t phase) const {
    std::vector<int64_t> places;
    for (int64_t k = 0; k < kernel[d]; ++k)
      if ((phase - k * dilation[d]) % stride[d] == 0) places.push_back(k);
    return places;
  }
  int64_t phases() const { return stride[0] * stride[1] * stride[2]; }
  Triple phase(int64_t index) const { return {index / (stride[1] * stride[2]), index / stride[2] % stride[1], index % stride[2]}; }
  /// The windows of a phase: places in the kernel, three numbers each.
  std::vector<Triple> taps(const Triple& phase) const {
    std::vector<Triple> result;
    for (const int64_t z : reaching(0, phase[0]))
      for (const int64_t y : reaching(1, phase[1]))
        for (const int64_t x : reaching(2, phase[2])) result.push_back({z, y, x});
    return result;
  }
};

/// One row of output pixels of one phase.
struct Run {
  int64_t phase, first_pixel, count;    ///< first_pixel: within an image
  std::vector<std::ptrdiff_t> offsets;  ///< tap by tap, `count` each
};

struct Shaped {
  Shape out;
  std::vector<Run> runs;  ///< of one image
};

/// Runs of one image. Offset 0 is a pixel of zero points, the image begins behind it.
class RunMaker {
 public:
  RunMaker(const Grid& grid, const Triple& in, const Triple& out) : grid_(grid), in_(in), out_(out) {}

  std::vector<Run> make() const {
    std::vector<Run> runs;
    for (int64_t z = 0; z < out_[0]; ++z)
      for (int64_t y = 0; y < out_[1]; ++y)
        for (int64_t x = 0; x < std::min(grid_.stride[2], out_[2]); ++x) runs.push_back(run_from({z, y, x}));
    return runs;
  }

 private:
  Run run_from(const Triple& first) const {
    Triple phase;
    for (size_t d = 0; d < kDims; ++d) phase[d] = (first[d] + grid_.begin[d]) % grid_.stride[d];
    Run run{(phase[0] * grid_.stride[1] + phase[1]) * grid_.stride[2] + phase[2],
            (first[0] * out_[1] + first[1]) * out_[2] + first[2],
            (out_[2] - first[2] + grid_.stride[2] - 1) / grid_.stride[2],
            {}};
    std::vector<Triple> taps = grid_.taps(phase);
    if (taps.empty()) run.offsets.assign(static_cast<size_t>(run.count), 0);
    for (const Triple& tap : taps)
      for (int64_t i = 0; i < run.count; ++i) run.offsets.push_back(offset({first[0], first[1], first[2] + i * grid_.stride[2]}, tap));
    return run;
  }

  std::ptrdiff_t offset(const Triple& out, const Triple& tap) const {
    int64_t pixel = 0;
    for (size_t d = 0; d < kDims; ++d) {
      const int64_t reached = out[d] + grid_.begin[d] - tap[d] * grid_.dilation[d];  // a multiple of the stride
      if (reached < 0 || reached / grid_.stride[d] >= in_[d]) return 0;
      pixel = pixel * in_[d] + reached / grid_.stride[d];
    }
    return (pixel + 1) * grid_.in_channels;
  }

  const Grid& grid_;
  const Triple in_, out_;
};

template <class Side>
class ConvTransposeStep : public Step, public TakesTable {
 public:
  ConvTransposeStep(Grid grid, size_t dims, Side side) : grid_(grid), dims_(dims), side_(std::move(side)) {
    for (int64_t phase = 0; phase < grid_.phases(); ++phase)
      for (int64_t group = 0; group < grid_.group; ++group) side_.add(view_of(phase, group), static_cast<size_t>(group * grid_.each()));
    side_.finish();
  }

  bool take(const Table& table, DType to) override { return side_.take(table, to); }

  void run(StepInputs inputs, std::span<Array> outputs, StepContext& context) override {
    const Tensor& x = inputs[0]->tensor;
    expect_type(*inputs[0], side_.in_dtype());
    const auto shaped = shaped_.get(x.shape(), [&](const Shape& in) { return shape(in); });
    outputs[0] = {context.pool.tensor(side_.out_dtype(), shaped->out), Layout::channels_last};
    if (outputs[0].tensor.size() == 0) return;
    const int64_t image = x.size() / x.shape()[0] + grid_.in_channels, runs = static_cast<int64_t>(shaped->runs.size());
    const auto images = with_zeros(x, image, context);
    std::byte* out = outputs[0].tensor.mutable_bytes();
    const int64_t each = outputs[0].tensor.size() / x.shape()[0];
    in_parts(context.threads, x.shape()[0] * runs, x.size() * grid_.out_channels, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i)
        multiply(shaped->runs[static_cast<size_t>(i % runs)], reinterpret_cast<const Element*>(images->data()) + i / runs * image, out,
                 i / runs * each);
    });
  }

  std::string kernel() const override { return side_.kernel(); }

 private:
  using Element = typename Side::Element;

  /// Weights lie [in, out / group, place].
  WeightView view_of(int64_t phase, int64_t group) const {
    const int64_t in = grid_.in_channels / grid_.group, out = grid_.each();
    const int64_t places = grid_.kernel[0] * grid_.kernel[1] * grid_.kernel[2];
    WeightView view;
    view.offset = static_cast<size_t>(group * in * out * places);
    view.depth = static_cast<size_t>(in), view.step_k = static_cast<size_t>(out * places);
    view.n = static_cast<size_t>(out), view.step_n = static_cast<size_t>(places);
    for (const Triple& tap : grid_.taps(grid_.phase(phase)))
      view.taps.push_back(static_cast<size_t>((tap[0] * grid_.kernel[1] + tap[1]) * grid_.kernel[2] + tap[2]));
    return view;
  }

  /// Every image, codes as the kernel's rows hold them, a pixel of zeros in front.
  std::shared_ptr<Buffer> with_zeros(const Tensor& x, int64_t image, StepContext& context) const {
    auto made = context.pool.take(static_cast<size_t>(x.shape()[0] * image) * sizeof(Element));
    auto* to = reinterpret_cast<uint8_t*>(made->mutable_data());
    const auto* from = reinterpret_cast<const uint8_t*>(x.bytes());
    const auto pixel = static_cast<size_t>(grid_.in_channels) * sizeof(Element),
               bytes = static_cast<size_t>(image) * sizeof(Element) - pixel;
    for (int64_t n = 0; n < x.shape()[0]; ++n, to += pixel + bytes, from += bytes) {
      std::fill_n(to, pixel, static_cast<uint8_t>(side_.zero()));
      if (side_.flips())
        kernels::best<kernels::Flip>().run({from, to + pixel, bytes});
      else
        std::copy_n(from, bytes, to + pixel);
    }
    return made;
  }

  Shaped shape(const Shape& in) const {
    if (in.size() != dims_ + 2 || in[1] != grid_.in_channels) throw CannotRun("another rank or number of channels");
    const Triple from = in_three({in.begin() + 2, in.end()}, 1);
    Triple to;
    Shaped shaped{{in[0], grid_.out_channels}, {}};
    for (size_t d = 0; d < kDims; ++d) {
      to[d] = (from[d] - 1) * grid_.stride[d] + (grid_.kernel[d] - 1) * grid_.dilation[d] + 1 - grid_.begin[d] - grid_.end[d];
      if (to[d] < 0) throw CannotRun("padding beyond the output");
      if (d + dims_ >= kDims) shaped.out.push_back(to[d]);
    }
    shaped.runs = RunMaker(grid_, from, to).make();
    return shaped;
  }

  /// `at`: where the image's output begins, elements.
  void multiply(const Run& run, const Element* image, std::byte* out, int64_t at) const {
    for (int64_t group = 0; group < grid_.group; ++group) {
      typename Side::Args args = side_.arguments(static_cast<size_t>(run.phase * grid_.group + group));
      args.a = image + group * (grid_.in_channels / grid_.group);
      args.offsets = run.offsets.data(), args.offsets_step = static_cast<size_t>(run.count);
      args.m = static_cast<size_t>(run.count);
      set_out(args, out, at + run.first_pixel * grid_.out_channels + group * grid_.each());
      args.out_stride = static_cast<size_t>(grid_.stride[2] * grid_.out_channels);
      side_.run(args, 0, args.packing.panels());
    }
  }

  const Grid grid_;
  const size_t dims_;
  Side side_;
  ByShape<Shaped> shaped_;
};

std::optional<Grid> grid_of(const Node& node, const Shape& weights, std::string& reason) {
  const Shape kernel(weights.begin() + 2, weights.end());
  const Shape ones(kernel.size(), 1), zeros(kernel.size(), 0), pads = node.attr_or("pads", Shape(2 * kernel.size(), 0));
  const Shape strides = node.attr_or("strides", ones), dilations = node.attr_or("dilations", ones);
  const Shape extra = node.attr_or("output_padding", zeros);
  const size_t dims = kernel.size();
  if (strides.size() != dims || dilations.size() != dims || pads.size() != 2 * dims || extra.size() != dims)
    return reason = "attributes do not fit the rank", std::nullopt;
  const auto below = [](const Shape& values, int64_t least) {
    return std::any_of(values.begin(), values.end(), [=](int64_t v) { return v < least; });
  };
  if (below(strides, 1) || below(dilations, 1) || below(pads, 0) || below(extra, 0)) return reason = "negative attributes", std::nullopt;
  Shape end(pads.begin() + static_cast<std::ptrdiff_t>(dims), pads.end());
  for (size_t d = 0; d < dims; ++d) end[d] -= extra[d];
  const int64_t group = node.attr_or("group", int64_t{1});
  if (group < 1 || weights[0] % group != 0) return reason = "groups that do not divide the channels", std::nullopt;
  const Shape begin(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(dims));
  return Grid{in_three(kernel, 1), in_three(strides, 1), in_three(dilations, 1), in_three(begin, 0),
              in_three(end, 0),    weights[0],           weights[1] * group,     group};
}

}  // namespace

LowerResult lower_kernel_conv_transpose(const Model& model, const Cluster& cluster, const CodeKernel& kernel) {
  const Node& node = *cluster.root;
  if (!cluster.inputs[1].constant()) return Declined{"the weight is no constant"};
  if (node.attr_or("auto_pad", "NOTSET") != "NOTSET" || node.attribute("output_shape")) return Declined{"auto_pad or output_shape"};
  const Shape shape = cluster.inputs[1].value->constant()->shape();
  if (shape.size() < 3 || shape.size() > 5 || element_count(shape) == 0) return Declined{"not one to three dimensions"};
  if (shape[0] * product(shape, 2, shape.size()) > kDeepest) return Declined{"deeper than the kernel sums up"};
  std::string reason;
  const auto grid = grid_of(node, shape, reason);
  if (!grid) return Declined{reason};
  if (grid->group > 1 && cluster.inputs[1].quantized() && cluster.inputs[1].params->per_channel())
    return Declined{"scales per channel of a grouped weight"};
  const Channels channels{shape.size(), 1, grid->out_channels};
  const bool codes = cluster.inputs[0].quantized();
  const size_t first = leading_constants(cluster, channels), dims = shape.size() - 2;
  auto divided = divide(model, cluster, codes ? HeadKind::codes : HeadKind::clamped_floats, first, reason);
  if (!divided) return Declined{reason};
  const bool patches = has_disjoint_patches(node, shape);
  std::unique_ptr<Step> step;
  if (codes) {
    auto product = read_code_product(divided->head, 1, channels, reason);
    const auto ending = ending_of(divided->head, first);
    if (!product || !ending) return Declined{product ? "no kernel for what follows" : reason};
    step = patches ? patches_step(std::move(*product), *ending, kernel)
                   : std::make_unique<ConvTransposeStep<CodeSide>>(*grid, dims, CodeSide(std::move(*product), *ending, kernel));
  } else {
    auto product = read_float_product(divided->head, channels, first, reason);
    if (!product) return Declined{reason};
    step = patches ? patches_step(std::move(*product))
                   : std::make_unique<ConvTransposeStep<FloatSide>>(*grid, dims, FloatSide(std::move(*product)));
  }
  return with_passes({std::move(step), LayoutRule::channels_last}, std::move(*divided));
}

}  // namespace qtool::lowerings
