#include "exec/kernels/products/patches.h"

#include <algorithm>

#include "exec/kernels/function_step.h"
#include "exec/kernels/parallel.h"
#include "exec/kernels/products/rows.h"
#include "exec/kernels/products/run.h"

namespace qtool::lowerings {
namespace {

constexpr int64_t kTogether = 16;  ///< columns: one register of sums

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

/// Pixels of `places` elements each: the one at `place` of every pixel.
template <class Element>
void pick(const void* from, void* to, int64_t pixels, int64_t places, int64_t place) {
  const auto* in = static_cast<const Element*>(from) + place;
  auto* out = static_cast<Element*>(to);
  for (int64_t i = 0; i < pixels; ++i) out[i] = in[i * places];
}

/// Elements of any width.
void pick(const std::byte* from, std::byte* to, int64_t pixels, int64_t places, int64_t place, int64_t width) {
  if (width == 8) return pick<uint64_t>(from, to, pixels, places, place);
  if (width == 4) return pick<uint32_t>(from, to, pixels, places, place);
  for (int64_t i = 0; i < pixels; ++i, to += width) std::copy_n(from + (i * places + place) * width, width, to);
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
    const auto all = static_cast<size_t>(columns() * places()), each = together() ? all : static_cast<size_t>(columns());
    for (size_t first = 0; first < all; first += each) side_.add({first, {0}, static_cast<size_t>(in_channels_), all, each, 1}, first);
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
  using Args = typename Side::Args;

  /// In the kernel's dimensions but the last.
  int64_t places() const { return product(kernel_, 0, kernel_.size() - 1); }
  /// Of one place.
  int64_t columns() const { return kernel_.back() * channels_; }
  /// One product for all places, shared out afterwards: kernels would pad the few columns of each.
  bool together() const { return places() > 1 && columns() * places() <= kTogether; }

  void multiply(const Shape& in, const typename Side::Element* x, std::byte* out, int threads) const {
    const PixelRows pixels{{in.begin() + 2, in.end() - 1}, {kernel_.begin(), kernel_.end() - 1}};
    const int64_t width = in.back(), rows = in[0] * product(in, 2, in.size() - 1);
    in_parts(threads, rows, rows * width * in_channels_ * columns() * places() / 16, [&](int64_t first, int64_t last) {
      std::vector<std::byte> scratch(together() ? static_cast<size_t>(width * columns() * places() * element()) : 0);
      for (int64_t row = first; row < last; ++row) {
        const auto* pixel = x + row * width * in_channels_;
        together() ? share(pixel, width, row, pixels, scratch.data(), out) : apart(pixel, width, row, pixels, out);
      }
    });
  }

  void apart(const typename Side::Element* x, int64_t width, int64_t row, const PixelRows& pixels, std::byte* out) const {
    for (int64_t p = 0; p < places(); ++p) product_of(p, x, width, out, pixels.output_row(row, p) * width * columns());
  }

  void share(const typename Side::Element* x, int64_t width, int64_t row, const PixelRows& pixels, std::byte* scratch,
             std::byte* out) const {
    product_of(0, x, width, scratch, 0);
    const int64_t bytes = columns() * element();
    for (int64_t p = 0; p < places(); ++p) pick(scratch, out + pixels.output_row(row, p) * width * bytes, width, places(), p, bytes);
  }

  void product_of(int64_t i, const typename Side::Element* x, int64_t width, std::byte* out, int64_t at) const {
    Args args = side_.arguments(static_cast<size_t>(i));
    args.a = x, args.a_stride = static_cast<size_t>(in_channels_);
    args.m = static_cast<size_t>(width), args.out_stride = args.packing.n;
    set_out(args, out, at);
    side_.run(args, 0, args.packing.panels());
  }

  /// Bytes of an output.
  int64_t element() const { return static_cast<int64_t>(element_size(side_.out_dtype())); }

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
