// AveragePool, GlobalAveragePool, ReduceMean, ReduceSum of floats: on floats, or on 8-bit codes with parameters of their own behind,
// exactly as the float meaning: sums in double of dequantized codes.

#include <algorithm>
#include <numeric>

#include "exec/kernels/by_shape.h"
#include "exec/kernels/function_step.h"
#include "exec/kernels/lowerings.h"
#include "exec/kernels/parallel.h"
#include "exec/kernels/products/operands.h"
#include "exec/kernels/windows/window.h"
#include "kernels/registry.h"

namespace qtool::lowerings {
namespace {

constexpr int64_t kBlock = 64;      ///< channels that a thread takes at least
constexpr int64_t kSideBySide = 8;  ///< sums for which the kernel pays

/// The kernel's arguments that do not depend on shapes, and the types around it.
struct Averaging {
  kernels::AverageArgs args{};
  DType in = DType::float32, out = DType::float32;
  bool sums = false;  ///< not divided
  size_t width() const { return element_size(in); }
};

std::optional<Averaging> averaging_of(const Cluster& cluster, std::string& reason) {
  const Operand &x = cluster.inputs[0], &y = cluster.outputs[0];
  Averaging averaging;
  averaging.args.is_float = !x.quantized();
  if (x.constant() || !cluster.post_ops.empty()) return reason = "a constant input, or something behind", std::nullopt;
  if (x.quantized() != y.quantized()) return reason = "codes on one side, floats on the other", std::nullopt;
  if (!x.quantized()) return averaging;
  if (!per_tensor_8bit(x) || !per_tensor_8bit(y)) return reason = "codes are not per-tensor 8-bit", std::nullopt;
  const CodeRange codes = full_range(y.params->dtype);
  averaging.in = x.params->dtype;
  averaging.out = y.params->dtype;
  averaging.args.is_signed = x.params->dtype == DType::int8;
  averaging.args.scale = x.params->scale(), averaging.args.zero_point = x.params->zero_point();
  averaging.args.out_scale = y.params->scale(), averaging.args.out_zero_point = y.params->zero_point();
  averaging.args.lo = static_cast<int32_t>(codes.lo), averaging.args.hi = static_cast<int32_t>(codes.hi);
  return averaging;
}

/// Averages `count` rows of n elements that begin `step` elements apart, by several threads where n is large.
void average_rows(const Averaging& averaging, const std::byte* from, int64_t count, int64_t step, int64_t n, std::byte* to, int threads) {
  const size_t width = averaging.width();
  const int64_t bytes = count * n * static_cast<int64_t>(width);
  in_parts(threads, (n + kBlock - 1) / kBlock, bytes, [&](int64_t first, int64_t last) {
    const auto begin = static_cast<size_t>(first * kBlock), end = static_cast<size_t>(std::min(n, last * kBlock));
    std::vector<const void*> taps(static_cast<size_t>(count));
    for (size_t t = 0; t < taps.size(); ++t) taps[t] = from + (t * static_cast<size_t>(step) + begin) * width;
    kernels::AverageArgs args = averaging.args;
    args.taps = taps.data(), args.count = taps.size(), args.n = end - begin;
    args.divisor = averaging.sums ? 1 : static_cast<double>(count), args.out = to + begin * width;
    kernels::best<kernels::Average>().run(args);
  });
}

/// x as outer x count x inner, the middle averaged.
void average_middle(const Averaging& averaging, const Tensor& x, int64_t outer, int64_t count, int64_t inner, Tensor& y, int threads) {
  const size_t width = averaging.width();
  std::byte* to = y.mutable_bytes();
  for (int64_t o = 0; o < outer; ++o)
    average_rows(averaging, x.bytes() + static_cast<size_t>(o * count * inner) * width, count, inner, inner,
                 to + static_cast<size_t>(o * inner) * width, threads);
}

/// Along one dimension: where the taps of every output position lie, how many lie within the padded input, and how many positions
/// from this on are alike, each `stride` further.
struct Axis {
  int64_t size, stride;
  std::vector<std::vector<int64_t>> taps;
  std::vector<int64_t> padded, alike;

  bool are_alike(size_t o) const {
    const auto &here = taps[o], &next = taps[o + 1];
    return padded[o] == padded[o + 1] && here.size() == next.size() && (here.empty() || here[0] + stride == next[0]);
  }
};

Axis axis_of(const Window& window, size_t d, int64_t in, int64_t out) {
  const auto count = static_cast<size_t>(out);
  Axis axis{in, window.strides[d], std::vector<std::vector<int64_t>>(count), std::vector<int64_t>(count, 0),
            std::vector<int64_t>(count, 1)};
  for (int64_t o = 0; o < out; ++o)
    for (int64_t k = 0; k < window.kernel[d]; ++k) {
      const int64_t i = o * window.strides[d] - window.begin[d] + k * window.dilations[d];
      axis.padded[static_cast<size_t>(o)] += i < in + window.end[d];
      if (i >= 0 && i < in) axis.taps[static_cast<size_t>(o)].push_back(i);
    }
  for (size_t o = count; o-- > 1;)
    if (axis.are_alike(o - 1)) axis.alike[o - 1] = axis.alike[o] + 1;
  return axis;
}

class Pool {
 public:
  Pool(const Node& node, const Averaging& averaging, const Shape& in) : averaging_(averaging), in_(in) {
    const Window window = window_of(node, in_, node.attr_or("kernel_shape", Shape{}));
    include_pad_ = node.attr_or("count_include_pad", 0) != 0;
    out_ = window.output(in_, node.attr_or("ceil_mode", 0) != 0);
    for (size_t d = 0; d < out_.size(); ++d) axes_.push_back(axis_of(window, d, in_[d + 2], out_[d]));
  }

  Shape out_shape() const {
    Shape shape{in_[0], in_[1]};
    shape.insert(shape.end(), out_.begin(), out_.end());
    return shape;
  }

  void run(const std::byte* x, std::byte* y, int threads) const {
    const int64_t pixel = in_[1] * static_cast<int64_t>(averaging_.width());
    const int64_t in_plane = product(in_, 2, in_.size()), out_plane = product(out_, 0, out_.size());
    in_parts(threads, in_[0] * out_plane, in_[0] * (in_plane + out_plane) * pixel, [&](int64_t first, int64_t last) {
      std::vector<const void*> taps;
      Shape position(out_.size());
      for (int64_t o = first, windows; o < last; o += windows) {
        place(o % out_plane, position);
        windows = std::min(axes_.back().alike[static_cast<size_t>(position.back())], last - o);
        taps.clear();
        collect(0, 0, position, x + o / out_plane * in_plane * pixel, pixel, taps);
        average(taps, position, windows, y + o * pixel);
      }
    });
  }

 private:
  void place(int64_t index, Shape& position) const {
    for (size_t d = out_.size(); d-- > 0; index /= out_[d]) position[d] = index % out_[d];
  }

  const std::vector<int64_t>& along(size_t d, const Shape& position) const { return axes_[d].taps[static_cast<size_t>(position[d])]; }

  /// The pixels a window covers, from dimension d on; `base`: the index so far.
  void collect(size_t d, int64_t base, const Shape& position, const std::byte* image, int64_t pixel, std::vector<const void*>& taps) const {
    const bool last = d + 1 == axes_.size();
    for (const int64_t i : along(d, position))
      if (last)
        taps.push_back(image + (base + i) * pixel);
      else
        collect(d + 1, (base + i) * axes_[d + 1].size, position, image, pixel, taps);
  }

  int64_t padded_taps(const Shape& position) const {
    int64_t count = 1;
    for (size_t d = 0; d < axes_.size(); ++d) count *= axes_[d].padded[static_cast<size_t>(position[d])];
    return count;
  }

  /// `windows` positions from this on, which are alike.
  void average(const std::vector<const void*>& taps, const Shape& position, int64_t windows, std::byte* to) const {
    kernels::AverageArgs args = averaging_.args;
    args.taps = taps.data(), args.count = taps.size(), args.n = static_cast<size_t>(in_[1]), args.out = to;
    args.row = {static_cast<size_t>(windows), static_cast<size_t>(axes_.back().stride) * args.n, args.n};
    args.divisor = std::max(1.0, include_pad_ ? static_cast<double>(padded_taps(position)) : static_cast<double>(taps.size()));
    kernels::best<kernels::Average>().run(args);
  }

  Averaging averaging_;
  Shape in_;
  bool include_pad_;
  Shape out_;
  std::vector<Axis> axes_;
};

std::string kernel_name() { return std::string(kernels::best<kernels::Average>().name); }

/// Axes of a reduction, sorted and counted from 0; nothing when not known.
std::optional<std::vector<int64_t>> axes_of(const Node& node, size_t rank) {
  std::vector<int64_t> axes = node.attr_or("axes", std::vector<int64_t>{});
  if (node.in(1)) {
    if (!node.in(1)->constant()) return std::nullopt;
    axes = node.in(1)->constant()->to_ints();
  }
  if (axes.empty() && node.attr_or("noop_with_empty_axes", 0) != 0) return std::nullopt;
  if (axes.empty()) axes.resize(rank), std::iota(axes.begin(), axes.end(), 0);
  for (int64_t& axis : axes) axis = normalize_axis(axis, rank);
  std::sort(axes.begin(), axes.end());
  return axes;
}

Shape reduced_shape(const Shape& in, int64_t first, int64_t last, bool keep) {
  Shape out(in.begin(), in.begin() + first);
  if (keep) out.insert(out.end(), static_cast<size_t>(last - first + 1), 1);
  out.insert(out.end(), in.begin() + last + 1, in.end());
  return out;
}

/// Over axes next to each other.
LowerResult lower_reduction(const Cluster& cluster, const Averaging& averaging) {
  const auto& dims = cluster.inputs[0].value->type.dims;
  const auto axes = dims ? axes_of(*cluster.root, dims->size()) : std::nullopt;
  if (!axes || axes->empty() || axes->back() - axes->front() + 1 != static_cast<int64_t>(axes->size()))
    return Declined{"axes unknown, or not next to each other"};
  const int64_t first = axes->front(), last = axes->back();
  const bool keep = cluster.root->attr_or("keepdims", 1) != 0;
  const bool spatial = dims->size() > 2 && first == 2 && last + 1 == static_cast<int64_t>(dims->size());
  const auto run = [=](StepInputs in, std::span<Array> out, StepContext& context) {
    expect_type(*in[0], averaging.in);
    const Shape& shape = in[0]->tensor.shape();
    if (in[0]->tensor.size() == 0 || shape.size() <= static_cast<size_t>(last)) throw CannotRun("an empty input");
    const auto begin = static_cast<size_t>(first), end = static_cast<size_t>(last + 1);
    if (averaging.sums && product(shape, end, shape.size()) < kSideBySide) throw CannotRun("too few sums side by side");
    out[0] = {context.pool.tensor(averaging.out, reduced_shape(shape, first, last, keep)),
              spatial && keep ? Layout::channels_last : Layout::plain};
    if (spatial)
      return average_middle(averaging, in[0]->tensor, shape[0], product(shape, 2, end), shape[1], out[0].tensor, context.threads);
    average_middle(averaging, in[0]->tensor, product(shape, 0, begin), product(shape, begin, end), product(shape, end, shape.size()),
                   out[0].tensor, context.threads);
  };
  return make_lowered(spatial ? LayoutRule::channels_last : LayoutRule::plain, kernel_name(), run);
}

}  // namespace

LowerResult lower_average_pool(const Model&, const Cluster& cluster) {
  std::string reason;
  const auto averaging = averaging_of(cluster, reason);
  if (!averaging) return Declined{reason};
  return make_lowered(LayoutRule::channels_last, kernel_name(),
                      [&node = *cluster.root, averaging = *averaging, pools = std::make_shared<ByShape<Pool>>()](
                          StepInputs in, std::span<Array> out, StepContext& context) {
                        expect_type(*in[0], averaging.in);
                        const auto pool =
                            pools->get(in[0]->tensor.shape(), [&](const Shape& shape) { return Pool(node, averaging, shape); });
                        out[0] = {context.pool.tensor(averaging.out, pool->out_shape()), Layout::channels_last};
                        if (out[0].tensor.size() > 0) pool->run(in[0]->tensor.bytes(), out[0].tensor.mutable_bytes(), context.threads);
                      });
}

LowerResult lower_global_average_pool(const Model&, const Cluster& cluster) {
  std::string reason;
  const auto averaging = averaging_of(cluster, reason);
  if (!averaging) return Declined{reason};
  return make_lowered(
      LayoutRule::channels_last, kernel_name(), [averaging = *averaging](StepInputs in, std::span<Array> out, StepContext& context) {
        expect_type(*in[0], averaging.in);
        const Shape& shape = in[0]->tensor.shape();
        if (shape.size() < 3 || in[0]->tensor.size() == 0) throw CannotRun("no spatial dimensions");
        Shape to(shape.size(), 1);
        to[0] = shape[0], to[1] = shape[1];
        out[0] = {context.pool.tensor(averaging.out, to), Layout::channels_last};
        average_middle(averaging, in[0]->tensor, shape[0], product(shape, 2, shape.size()), shape[1], out[0].tensor, context.threads);
      });
}

LowerResult lower_reduce_mean(const Model&, const Cluster& cluster) {
  std::string reason;
  const auto averaging = averaging_of(cluster, reason);
  return averaging ? lower_reduction(cluster, *averaging) : Declined{reason};
}

LowerResult lower_reduce_sum(const Model&, const Cluster& cluster) {
  std::string reason;
  auto averaging = averaging_of(cluster, reason);
  if (!averaging || averaging->in != DType::float32) return Declined{averaging ? "a sum of codes" : reason};
  averaging->sums = true;
  return lower_reduction(cluster, *averaging);
}
}  // namespace qtool::lowerings
