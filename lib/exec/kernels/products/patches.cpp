#include "exec/kernels/products/patches.h"

#include <algorithm>

#include "exec/kernels/function_step.h"
#include "exec/kernels/parallel.h"
#include "exec/kernels/products/rows.h"
#include "exec/kernels/products/run.h"

namespace qtool::lowerings {
namespace {

bool all_are(const Shape& values, int64_t wanted) {
  return std::all_of(values.begin(), values.end(), [=](int64_t v) { return v == wanted; });
}

/// [in, out, place in the kernel] -> [in, place, out].
Tensor channels_innermost(const Tensor& weights) {
  const auto in = static_cast<size_t>(weights.shape()[0]), out = static_cast<size_t>(weights.shape()[1]);
  const auto places = static_cast<size_t>(product(weights.shape(), 2, weights.rank())), width = element_size(weights.dtype());
  Tensor result(weights.dtype(), {weights.shape()[0], product(weights.shape(), 2, weights.rank()), weights.shape()[1]});
  for (size_t i = 0; i < in; ++i) {
    const size_t at = i * out * places * width;
    kernels::best<kernels::Transpose>().run({weights.bytes() + at, result.mutable_bytes() + at, out, places, places, out, width});
  }
  return result;
}

template <class T>
void repeat(std::vector<T>& values, int64_t times) {
  const std::vector<T> once = values;
  for (int64_t i = 1; i < times; ++i) values.insert(values.end(), once.begin(), once.end());
}

/// Rows of pixels: those of the input, and for each the rows of the output that its patches make up.
struct PixelRows {
  Shape in, kernel;  ///< spatial extents but the last

  int64_t output_row(int64_t row, int64_t place) const {
    int64_t result = 0, step = 1;
    for (size_t d = in.size(); d-- > 0;) {
      result += (row % in[d] * kernel[d] + place % kernel[d]) * step;
      step *= in[d] * kernel[d];
      row /= in[d];
      place /= kernel[d];
    }
    return result + row * step;
  }
};

template <class Side, class Rows>
class PatchesStep : public Step, public TakesTable {
 public:
  /// `side` holds weights [in, out, kernel..].
  explicit PatchesStep(Side side) : side_(std::move(side)) {
    const Shape shape = side_.weights().shape();
    in_channels_ = shape[0], channels_ = shape[1];
    kernel_.assign(shape.begin() + 2, shape.end());
    side_.set_weights(channels_innermost(side_.weights()));
    const auto columns = static_cast<size_t>(kernel_.back() * channels_), all = columns * static_cast<size_t>(places());
    for (size_t p = 0; p < static_cast<size_t>(places()); ++p)
      side_.add({p * columns, {0}, static_cast<size_t>(in_channels_), all, columns, 1}, p * columns);
    side_.finish();
  }

  bool take(const Table& table, DType to) override { return side_.take(table, to); }

  void run(StepInputs inputs, std::span<Array> outputs, StepContext& context) override {
    const Tensor& x = inputs[0]->tensor;
    expect_type(*inputs[0], side_.in_dtype());
    if (x.rank() != kernel_.size() + 2 || x.shape()[1] != in_channels_) throw CannotRun("another rank or number of channels");
    Shape out{x.shape()[0], channels_};
    for (size_t d = 0; d < kernel_.size(); ++d) out.push_back(x.shape()[d + 2] * kernel_[d]);
    outputs[0] = {context.pool.tensor(side_.out_dtype(), out), Layout::channels_last};
    if (outputs[0].tensor.size() == 0) return;
    const Rows rows(x, side_.flips(), context);
    multiply(x.shape(), rows.data(), outputs[0].tensor.mutable_bytes(), context.threads);
  }

  std::string kernel() const override { return side_.kernel() + " by patches"; }

 private:
  /// In the kernel's dimensions but the last.
  int64_t places() const { return product(kernel_, 0, kernel_.size() - 1); }

  void multiply(const Shape& in, const typename Side::Element* x, std::byte* out, int threads) const {
    const PixelRows pixels{{in.begin() + 2, in.end() - 1}, {kernel_.begin(), kernel_.end() - 1}};
    const int64_t width = in.back(), columns = kernel_.back() * channels_, rows = in[0] * product(in, 2, in.size() - 1);
    in_parts(threads, rows, rows * width * in_channels_ * columns * places() / 16, [&](int64_t first, int64_t last) {
      for (int64_t row = first; row < last; ++row)
        for (int64_t p = 0; p < places(); ++p) {
          typename Side::Args args = side_.arguments(static_cast<size_t>(p));
          args.a = x + row * width * in_channels_, args.a_stride = static_cast<size_t>(in_channels_);
          args.m = static_cast<size_t>(width), args.out_stride = static_cast<size_t>(columns);
          set_out(args, out, pixels.output_row(row, p) * width * columns);
          side_.run(args, 0, args.packing.panels());
        }
    });
  }

  Side side_;
  Shape kernel_;
  int64_t in_channels_, channels_;
};

}  // namespace

bool has_disjoint_patches(const Node& node, const Shape& weights) {
  const Shape kernel(weights.begin() + 2, weights.end());
  return node.attr_or("group", int64_t{1}) == 1 && node.attr_or("strides", Shape(kernel.size(), 1)) == kernel &&
         all_are(node.attr_or("pads", Shape{}), 0) && all_are(node.attr_or("dilations", Shape{}), 1) &&
         all_are(node.attr_or("output_padding", Shape{}), 0);
}

std::unique_ptr<Step> patches_step(CodeProduct product, const Ending& ending, const CodeKernel& kernel) {
  const int64_t places = qtool::product(product.weights.shape(), 2, product.weights.rank());
  repeat(product.factors, places), repeat(product.bias, places);
  return std::make_unique<PatchesStep<CodeSide, CodeRows>>(CodeSide(std::move(product), ending, kernel));
}

std::unique_ptr<Step> patches_step(FloatProduct product) {
  repeat(product.bias, qtool::product(product.weights.shape(), 2, product.weights.rank()));
  return std::make_unique<PatchesStep<FloatSide, FloatRows>>(FloatSide(std::move(product)));
}

}  // namespace qtool::lowerings
