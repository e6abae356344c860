// MaxPool and GlobalMaxPool on codes of one or two dimensions (order is kept by quantization, so codes are compared as they lie).

#include "exec/kernels/windows/max_pool.h"

#include <algorithm>

#include "exec/kernels/by_shape.h"
#include "exec/kernels/function_step.h"
#include "exec/kernels/lowerings.h"
#include "exec/kernels/parallel.h"
#include "kernels/registry.h"

namespace qtool::lowerings {
namespace {

/// Along one dimension: the input positions inside the window of each output, `count` from `first` on by `step`; and how many windows
/// from this on are alike, each `stride` further.
struct Reach {
  std::vector<int64_t> first, count, alike;
  int64_t step, stride;

  Reach(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t dilation, int64_t begin) : step(dilation), stride(stride) {
    for (int64_t o = 0; o < out; ++o) {
      const int64_t start = o * stride - begin, skipped = start < 0 ? (-start + dilation - 1) / dilation : 0;
      const int64_t within = start < in ? std::min(kernel, (in - start + dilation - 1) / dilation) : 0;
      if (within <= skipped) throw CannotRun("a window that covers nothing");
      first.push_back(start + skipped * dilation);
      count.push_back(within - skipped);
    }
    alike.assign(count.size(), 1);
    for (size_t o = count.size(); o-- > 1;)
      if (count[o - 1] == count[o] && first[o - 1] + stride == first[o]) alike[o - 1] = alike[o] + 1;
  }
};

/// Codes, channels last, as images of rows of pixels (one row where there is one dimension).
class CodePool {
 public:
  CodePool(const Node& node, const Shape& in) : in_(in), window_(pool_window(node, in)), out_(pool_output(node, in, window_)) {
    const size_t x = in.size() - 1;
    const bool flat = in.size() == 3;
    height_ = flat ? 1 : in[2], width_ = in[x], rows_ = flat ? 1 : out_[2];
    const auto reach = [&](size_t d) {
      return Reach(in[d + 2], out_[d + 2], window_.kernel[d], window_.strides[d], window_.dilations[d], window_.begin[d]);
    };
    y_ = std::make_unique<Reach>(flat ? Reach(1, 1, 1, 1, 1, 0) : reach(0));
    x_ = std::make_unique<Reach>(reach(x - 2));
  }

  const Shape& out_shape() const { return out_; }
  int64_t rows() const { return in_[0] * rows_; }

  /// Rows [first, last) of the output, all images counted.
  void run(int64_t first, int64_t last, const uint8_t* in, uint8_t* out, bool is_signed) const {
    const int64_t channels = in_[1], columns = out_.back();
    std::vector<const uint8_t*> taps(static_cast<size_t>(element_count(window_.kernel)));
    for (int64_t row = first; row < last; ++row)
      for (int64_t column = 0, alike; column < columns; column += alike) {
        alike = x_->alike[static_cast<size_t>(column)];
        const size_t count = collect(in + row / rows_ * height_ * width_ * channels, row % rows_, column, taps.data());
        const auto n = static_cast<size_t>(channels);
        kernels::best<kernels::Maximum>().run({taps.data(),
                                               count,
                                               n,
                                               out + (row * columns + column) * channels,
                                               is_signed,
                                               {static_cast<size_t>(alike), static_cast<size_t>(x_->stride) * n, n}});
      }
  }

 private:
  size_t collect(const uint8_t* image, int64_t row, int64_t column, const uint8_t** taps) const {
    const auto r = static_cast<size_t>(row), c = static_cast<size_t>(column);
    const int64_t channels = in_[1], step = x_->step * channels;
    size_t count = 0;
    const uint8_t* line = image + (y_->first[r] * width_ + x_->first[c]) * channels;
    for (int64_t i = 0; i < y_->count[r]; ++i, line += y_->step * width_ * channels)
      for (int64_t j = 0; j < x_->count[c]; ++j) taps[count++] = line + j * step;
    return count;
  }

  const Shape in_;
  Window window_;
  Shape out_;
  int64_t height_, width_, rows_;
  std::unique_ptr<Reach> y_, x_;
};

/// Rank of an activation; 0 when unknown.
size_t rank_of(const Operand& operand) { return operand.value->type.dims ? operand.value->type.dims->size() : 0; }

}  // namespace

Window pool_window(const Node& node, const Shape& in) {
  if (!node.is("GlobalMaxPool")) return window_of(node, in, node.attr_or("kernel_shape", Shape{}));
  const Shape kernel(in.begin() + 2, in.end()), ones(kernel.size(), 1), zeros(kernel.size(), 0);
  return {kernel, ones, ones, zeros, zeros};
}

Shape pool_output(const Node& node, const Shape& in, Window& window) {
  Shape out{in[0], in[1]};
  for (int64_t d : window.output(in, node.attr_or("ceil_mode", 0) != 0)) out.push_back(d);
  for (size_t d = 0; d < window.kernel.size(); ++d)
    window.end[d] = (out[d + 2] - 1) * window.strides[d] + (window.kernel[d] - 1) * window.dilations[d] + 1 - in[d + 2] - window.begin[d];
  return out;
}

LowerResult lower_code_max_pool(const Model&, const Cluster& cluster) {
  const Operand& x = cluster.inputs[0];
  if (x.constant() || cluster.outputs.size() != 1) return Declined{"a constant input, or indices wanted"};
  if (!per_tensor_8bit(x)) return Declined{"codes are not per-tensor 8-bit"};
  if (rank_of(x) != 3 && rank_of(x) != 4) return Declined{"not one or two dimensions"};
  const auto& kernel = kernels::best<kernels::Maximum>();
  return make_lowered(LayoutRule::channels_last, std::string(kernel.name),
                      [&node = *cluster.root, dtype = x.params->dtype, pools = std::make_shared<ByShape<CodePool>>()](
                          StepInputs in, std::span<Array> out, StepContext& context) {
                        expect_type(*in[0], dtype);
                        const Tensor& x = in[0]->tensor;
                        if (x.rank() != 3 && x.rank() != 4) throw CannotRun("more than two dimensions");
                        const auto pool = pools->get(x.shape(), [&](const Shape& shape) { return CodePool(node, shape); });
                        out[0] = {context.pool.tensor(dtype, pool->out_shape()), Layout::channels_last};
                        if (x.size() == 0 || out[0].tensor.size() == 0) return;
                        uint8_t* y = codes_out(out[0]);
                        in_parts(context.threads, pool->rows(), static_cast<int64_t>(x.byte_size() + out[0].tensor.byte_size()),
                                 [&](int64_t first, int64_t last) { pool->run(first, last, codes_in(*in[0]), y, dtype == DType::int8); });
                      });
}

}  // namespace qtool::lowerings
