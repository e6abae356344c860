// AveragePool, GlobalAveragePool, ReduceMean: on floats, or on 8-bit codes with parameters of their own behind, exactly as the
// float meaning: sums in double of dequantized codes.

#include <algorithm>
#include <numeric>

#include "exec/onednn/function_step.h"
#include "exec/onednn/operands.h"
#include "exec/onednn/rows.h"
#include "exec/onednn/window.h"
#include "kernels/registry.h"

namespace qtool::onednn {
namespace {

/// The kernel's arguments that do not depend on shapes, and the types around it.
struct Averaging {
  kernels::AverageArgs args{};
  DType in = DType::float32, out = DType::float32;
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

/// Averages `count` rows of n elements that begin `step` elements apart.
void average_rows(const Averaging& averaging, const std::byte* from, int64_t count, int64_t step, int64_t n, std::byte* to) {
  std::vector<const void*> taps(static_cast<size_t>(count));
  for (size_t t = 0; t < taps.size(); ++t) taps[t] = from + t * static_cast<size_t>(step) * averaging.width();
  kernels::AverageArgs args = averaging.args;
  args.taps = taps.data(), args.count = taps.size(), args.n = static_cast<size_t>(n);
  args.divisor = static_cast<double>(count), args.out = to;
  kernels::best<kernels::Average>().run(args);
}

/// x as outer x count x inner, the middle averaged.
void average_middle(const Averaging& averaging, const Tensor& x, int64_t outer, int64_t count, int64_t inner, Tensor& y) {
  const size_t width = averaging.width();
  std::byte* to = y.mutable_bytes();
  for (int64_t o = 0; o < outer; ++o)
    average_rows(averaging, x.bytes() + static_cast<size_t>(o * count * inner) * width, count, inner, inner,
                 to + static_cast<size_t>(o * inner) * width);
}

class Pool {
 public:
  Pool(const Cluster& cluster, const Averaging& averaging, const Array& x) : averaging_(averaging), in_(x.tensor.shape()) {
    const Node& node = *cluster.root;
    window_ = window_of(node, in_, node.attr_or("kernel_shape", Shape{}));
    include_pad_ = node.attr_or("count_include_pad", 0) != 0;
    out_ = window_.output(in_, node.attr_or("ceil_mode", 0) != 0);
  }

  Shape out_shape() const {
    Shape shape{in_[0], in_[1]};
    shape.insert(shape.end(), out_.begin(), out_.end());
    return shape;
  }

  void run(const std::byte* x, std::byte* y) const {
    const size_t pixel = static_cast<size_t>(in_[1]) * averaging_.width();
    const int64_t in_plane = product(in_, 2, in_.size()), out_plane = product(out_, 0, out_.size());
    std::vector<const void*> taps;
    Shape position(out_.size(), 0);
    for (int64_t o = 0; o < out_plane; ++o, advance(position, out_))
      for (int64_t n = 0; n < in_[0]; ++n) {
        taps.clear();
        const int64_t padded = collect(position, x + static_cast<size_t>(n * in_plane) * pixel, pixel, taps);
        average(taps, padded, y + static_cast<size_t>(n * out_plane + o) * pixel);
      }
  }

 private:
  static void advance(Shape& position, const Shape& sizes) {
    for (size_t d = sizes.size(); d-- > 0;) {
      if (++position[d] < sizes[d]) return;
      position[d] = 0;
    }
  }

  /// The pixels a window covers; returns how many taps lie within the padded input.
  int64_t collect(const Shape& position, const std::byte* image, size_t pixel, std::vector<const void*>& taps) const {
    const int64_t total = product(window_.kernel, 0, window_.kernel.size());
    Shape tap(window_.kernel.size(), 0);
    int64_t padded = 0;
    for (int64_t t = 0; t < total; ++t, advance(tap, window_.kernel)) {
      int64_t offset = 0;
      bool inside = true, within = true;
      for (size_t d = 0; d < tap.size(); ++d) {
        const int64_t i = position[d] * window_.strides[d] - window_.begin[d] + tap[d] * window_.dilations[d];
        inside = inside && i >= 0 && i < in_[d + 2];
        within = within && i < in_[d + 2] + window_.end[d];
        offset = offset * in_[d + 2] + i;
      }
      padded += within;
      if (inside) taps.push_back(image + static_cast<size_t>(offset) * pixel);
    }
    return padded;
  }

  void average(const std::vector<const void*>& taps, int64_t padded, std::byte* to) const {
    kernels::AverageArgs args = averaging_.args;
    args.taps = taps.data(), args.count = taps.size(), args.n = static_cast<size_t>(in_[1]), args.out = to;
    args.divisor = std::max(1.0, include_pad_ ? static_cast<double>(padded) : static_cast<double>(taps.size()));
    kernels::best<kernels::Average>().run(args);
  }

  const Averaging& averaging_;
  const Shape& in_;
  Window window_;
  bool include_pad_;
  Shape out_;
};

std::string kernel_name() { return std::string(kernels::best<kernels::Average>().name); }

/// Axes of a ReduceMean, sorted and counted from 0; nothing when not known.
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

}  // namespace

LowerResult lower_average_pool(const Model&, const Cluster& cluster) {
  std::string reason;
  const auto averaging = averaging_of(cluster, reason);
  if (!averaging) return Declined{reason};
  return make_lowered(LayoutRule::channels_last, kernel_name(),
                      [cluster, averaging = *averaging](StepInputs in, std::span<Array> out, StepContext& context) {
                        expect_type(*in[0], averaging.in);
                        const Pool pool(cluster, averaging, *in[0]);
                        out[0] = {context.pool.tensor(averaging.out, pool.out_shape()), Layout::channels_last};
                        if (out[0].tensor.size() > 0) pool.run(in[0]->tensor.bytes(), out[0].tensor.mutable_bytes());
                      });
}

LowerResult lower_global_average_pool(const Model&, const Cluster& cluster) {
  std::string reason;
  const auto averaging = averaging_of(cluster, reason);
  if (!averaging) return Declined{reason};
  return make_lowered(LayoutRule::channels_last, kernel_name(),
                      [averaging = *averaging](StepInputs in, std::span<Array> out, StepContext& context) {
                        expect_type(*in[0], averaging.in);
                        const Shape& shape = in[0]->tensor.shape();
                        if (shape.size() < 3 || in[0]->tensor.size() == 0) throw CannotRun("no spatial dimensions");
                        Shape to(shape.size(), 1);
                        to[0] = shape[0], to[1] = shape[1];
                        out[0] = {context.pool.tensor(averaging.out, to), Layout::channels_last};
                        average_middle(averaging, in[0]->tensor, shape[0], product(shape, 2, shape.size()), shape[1], out[0].tensor);
                      });
}

LowerResult lower_reduce_mean(const Model&, const Cluster& cluster) {
  std::string reason;
  const auto averaging = averaging_of(cluster, reason);
  const auto& dims = cluster.inputs[0].value->type.dims;
  const auto axes = dims ? axes_of(*cluster.root, dims->size()) : std::nullopt;
  if (!averaging) return Declined{reason};
  if (!axes || axes->back() - axes->front() + 1 != static_cast<int64_t>(axes->size()))
    return Declined{"axes unknown, or not next to each other"};
  const int64_t first = axes->front(), last = axes->back();
  const bool keep = cluster.root->attr_or("keepdims", 1) != 0;
  const bool spatial = dims->size() > 2 && first == 2 && last + 1 == static_cast<int64_t>(dims->size());
  const auto run = [=, averaging = *averaging](StepInputs in, std::span<Array> out, StepContext& context) {
    expect_type(*in[0], averaging.in);
    const Shape& shape = in[0]->tensor.shape();
    if (in[0]->tensor.size() == 0 || shape.size() <= static_cast<size_t>(last)) throw CannotRun("an empty input");
    const auto begin = static_cast<size_t>(first), end = static_cast<size_t>(last + 1);
    out[0] = {context.pool.tensor(averaging.out, reduced_shape(shape, first, last, keep)),
              spatial && keep ? Layout::channels_last : Layout::plain};
    if (spatial) return average_middle(averaging, in[0]->tensor, shape[0], product(shape, 2, end), shape[1], out[0].tensor);
    average_middle(averaging, in[0]->tensor, product(shape, 0, begin), product(shape, begin, end), product(shape, end, shape.size()),
                   out[0].tensor);
  };
  return make_lowered(spatial ? LayoutRule::channels_last : LayoutRule::plain, kernel_name(), run);
}

}  // namespace qtool::onednn
