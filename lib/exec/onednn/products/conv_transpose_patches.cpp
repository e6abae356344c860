#include "exec/onednn/products/conv_transpose_patches.h"

#include <algorithm>

#include "exec/kernels/function_step.h"
#include "exec/kernels/parallel.h"
#include "exec/onednn/memory.h"
#include "kernels/registry.h"

namespace qtool::onednn {
namespace {

using dnnl::memory;
using Forward = dnnl::matmul;

bool all_are(const Shape& values, int64_t wanted) {
  return std::all_of(values.begin(), values.end(), [=](int64_t v) { return v == wanted; });
}

/// [in, out, place in the kernel] -> [in, place, out].
template <class T>
Tensor channels_innermost(const Tensor& weights) {
  const int64_t in = weights.shape()[0], out = weights.shape()[1], places = product(weights.shape(), 2, weights.rank());
  Tensor result(weights.dtype(), {in, places * out});
  const auto from = weights.data<T>();
  auto to = result.mutable_data<T>();
  for (int64_t i = 0; i < in; ++i)
    for (int64_t o = 0; o < out; ++o)
      for (int64_t p = 0; p < places; ++p)
        to[static_cast<size_t>((i * places + p) * out + o)] = from[static_cast<size_t>((i * out + o) * places + p)];
  return result;
}

template <class T>
void repeat(std::vector<T>& values, int64_t times) {
  const std::vector<T> once = values;
  for (int64_t i = 1; i < times; ++i) values.insert(values.end(), once.begin(), once.end());
}

std::vector<int64_t> column_sums(const Tensor& weights) {
  const auto columns = static_cast<size_t>(weights.shape()[1]);
  std::vector<int64_t> sums(columns);
  const auto codes = weights.data<int8_t>();
  for (size_t i = 0; i < codes.size(); ++i) sums[i % columns] += codes[i];
  return sums;
}

/// The channels' factors and biases for every place of the kernel.
Products as_columns(Products products) {
  const int64_t places = product(products.weights.shape(), 2, products.weights.rank());
  products.weights = products.int8() ? channels_innermost<int8_t>(products.weights) : channels_innermost<float>(products.weights);
  if (products.int8()) products.weight_sums = column_sums(products.weights);
  for (auto* values : {&products.factors, &products.bias, &products.epilogue.bias}) repeat(*values, places);
  return products;
}

/// [pixels, in] x [in, places * out].
class PixelProduct {
 public:
  PixelProduct(const Cluster& cluster, Products products) : cluster_(cluster), products_(std::move(products)) {}

  Forward::primitive_desc describe(const std::vector<Shape>& inputs, Compiled& compiled) const {
    const int index = input_index(cluster_, cluster_.inputs[0]);
    const Shape& in = inputs[static_cast<size_t>(index)];
    const int64_t k = products_.weights.shape()[0], n = products_.weights.shape()[1];
    if (in.size() < 3 || in[1] != k) throw CannotRun("another number of channels");
    const int64_t m = element_count(in) / std::max<int64_t>(k, 1);
    compiled.out_shape = {m, n};
    compiled.out_dtype = products_.epilogue.out_dtype;
    const bool fold = products_.may_fold_zero_point();
    dnnl::primitive_attr attr;
    products_.apply(attr, 2, fold, compiled);
    attr.set_post_ops(make_post_ops(products_.epilogue, cluster_, inputs, compiled.out_shape, Layout::plain, compiled));
    const auto x = desc_of(products_.in_dtype, {m, k}, Layout::plain), y = desc_of(compiled.out_dtype, {m, n}, Layout::plain);
    const memory::desc w({k, n}, data_type(products_.weights.dtype()), memory::format_tag::any);
    compiled.constants.emplace_back(DNNL_ARG_BIAS, constant_floats(products_.shifts(fold, n)));
    compiled.slots.push_back({DNNL_ARG_SRC, x, index});
    compiled.slots.push_back({DNNL_ARG_DST, y, Compiled::kOutput});
    return {engine(), x, w, desc_of(DType::float32, {1, n}, Layout::plain), y, attr};
  }

  Compiled compile(const std::vector<Shape>& inputs) const {
    Compiled compiled;
    const auto desc = describe(inputs, compiled);
    const auto stored = desc_of(products_.weights.dtype(), products_.weights.shape(), Layout::plain);
    compiled.constants.emplace_back(DNNL_ARG_WEIGHTS, packed_.get(products_.weights, stored, desc.weights_desc()));
    compiled.finish<Forward>(desc);
    return compiled;
  }

 private:
  const Cluster cluster_;
  const Products products_;
  mutable PackedWeights packed_;
};

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

class PatchStep : public Step {
 public:
  PatchStep(std::unique_ptr<Step> head, Shape kernel, int64_t channels)
      : head_(std::move(head)), kernel_(std::move(kernel)), channels_(channels) {}

  void run(StepInputs inputs, std::span<Array> outputs, StepContext& context) override {
    const Shape in = inputs[0]->tensor.shape();
    head_->run(inputs, outputs, context);
    const Tensor columns = std::move(outputs[0].tensor);
    Shape out{in[0], channels_};
    for (size_t d = 0; d < kernel_.size(); ++d) out.push_back(in[d + 2] * kernel_[d]);
    outputs[0] = {context.pool.tensor(columns.dtype(), out), Layout::channels_last};
    if (columns.size() == 0) return;
    place(columns, in, fresh_bytes(outputs[0].tensor), context.threads);
  }

  std::string kernel() const override { return head_->kernel() + "+patches"; }

 private:
  void place(const Tensor& columns, const Shape& in, std::byte* out, int threads) const {
    const PixelRows rows{{in.begin() + 2, in.end() - 1}, {kernel_.begin(), kernel_.end() - 1}};
    const int64_t places = product(kernel_, 0, kernel_.size() - 1);
    const auto width = static_cast<size_t>(in.back()),
               run = static_cast<size_t>(kernel_.back() * channels_) * element_size(columns.dtype());
    const int64_t count = in[0] * product(in, 2, in.size() - 1);
    const auto* codes = reinterpret_cast<const uint8_t*>(columns.bytes());
    auto* to = reinterpret_cast<uint8_t*>(out);
    in_parts(threads, count, static_cast<int64_t>(2 * columns.byte_size()), [&](int64_t first, int64_t last) {
      for (int64_t row = first; row < last; ++row)
        for (int64_t p = 0; p < places; ++p)
          kernels::best<kernels::CopyRows>().run({codes + static_cast<size_t>(row * static_cast<int64_t>(width) * places + p) * run,
                                                  static_cast<size_t>(places) * run,
                                                  to + static_cast<size_t>(rows.output_row(row, p)) * width * run, run, width, run});
    });
  }

  const std::unique_ptr<Step> head_;
  const Shape kernel_;
  const int64_t channels_;
};

}  // namespace

bool has_disjoint_patches(const Cluster& cluster, const Products& products) {
  const Node& node = *cluster.root;
  const Shape& weights = products.weights.shape();
  if (weights.size() < 3) return false;
  const Shape kernel(weights.begin() + 2, weights.end());
  const auto has_operand = [](const Epilogue::Operation& operation) { return operation.operand != nullptr; };
  return node.attr_or("group", int64_t{1}) == 1 && node.attr_or("strides", Shape(kernel.size(), 1)) == kernel &&
         all_are(node.attr_or("pads", Shape{}), 0) && all_are(node.attr_or("dilations", Shape{}), 1) &&
         all_are(node.attr_or("output_padding", Shape{}), 0) && element_count(weights) > 0 &&
         std::none_of(products.epilogue.operations.begin(), products.epilogue.operations.end(), has_operand);
}

LowerResult lower_disjoint_patches(const Cluster& cluster, Products products) {
  const Shape weights = products.weights.shape();
  LowerResult result =
      lower_primitive(cluster, std::make_shared<PixelProduct>(cluster, as_columns(std::move(products))), LayoutRule::channels_last);
  auto* lowered = std::get_if<Lowered>(&result);
  if (!lowered) return result;
  const Shape kernel(weights.begin() + 2, weights.end());
  return Lowered{std::make_unique<PatchStep>(std::move(lowered->step), kernel, weights[1]), LayoutRule::channels_last};
}

}  // namespace qtool::onednn
