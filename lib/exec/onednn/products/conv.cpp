// Conv: 1d, 2d, 3d, any stride, dilation, group, padding; int8 (u8|s8 x s8 per channel) and float. Activations channels_last,
// weights packed once as oneDNN likes them.

#include <algorithm>

#include "exec/kernels/products/affine.h"
#include "exec/kernels/products/depthwise.h"
#include "exec/kernels/products/kernel_products.h"
#include "exec/kernels/windows/window.h"
#include "exec/onednn/engine.h"
#include "exec/onednn/lowerings.h"
#include "exec/onednn/memory.h"
#include "exec/onednn/products/clamps.h"
#include "exec/onednn/products/products.h"
#include "kernels/registry.h"

namespace qtool::onednn {
namespace {

using dnnl::memory;
using Forward = dnnl::convolution_forward;

class Conv {
 public:
  Conv(const Cluster& cluster, Products products) : cluster_(cluster), products_(std::move(products)) {
    const Shape& shape = products_.weights.shape();
    group_ = cluster.root->attr_or("group", int64_t{1});
    kernel_.assign(shape.begin() + 2, shape.end());
    weight_shape_ = shape;
    if (group_ > 1) weight_shape_.insert(weight_shape_.begin(), group_), weight_shape_[1] /= group_;
  }

  Forward::primitive_desc describe(const std::vector<Shape>& inputs, Compiled& compiled) const {
    const Shape& in = inputs[static_cast<size_t>(input())];
    const Window window = window_of(*cluster_.root, in, kernel_);
    compiled.out_shape = {in[0], products_.weights.shape()[0]};
    for (int64_t d : window.output(in)) compiled.out_shape.push_back(d);
    compiled.out_dtype = products_.epilogue.out_dtype;
    const bool fold = !window.padded() && products_.may_fold_zero_point();
    dnnl::primitive_attr attr;
    products_.apply(attr, group_ > 1 ? 3 : 1, fold, compiled);
    attr.set_post_ops(make_post_ops(products_.epilogue, cluster_, inputs, compiled.out_shape, Layout::channels_last, compiled));
    const auto x = desc_of(products_.in_dtype, in, Layout::channels_last),
               y = desc_of(compiled.out_dtype, compiled.out_shape, Layout::channels_last);
    const memory::desc w(weight_shape_, data_type(products_.weights.dtype()), memory::format_tag::any);
    const memory::desc b({compiled.out_shape[1]}, memory::data_type::f32, memory::dims{1});
    compiled.constants.emplace_back(DNNL_ARG_BIAS, constant_floats(products_.shifts(fold, compiled.out_shape[1])));
    compiled.slots.push_back({DNNL_ARG_SRC, x, input()});
    compiled.slots.push_back({DNNL_ARG_DST, y, Compiled::kOutput});
    return Forward::primitive_desc(engine(), dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, x, w, b, y,
                                   window.strides, window.dilations_from_zero(), window.begin, window.end, attr);
  }

  Compiled compile(const std::vector<Shape>& inputs) const {
    Compiled compiled;
    const auto desc = describe(inputs, compiled);
    const auto plain = desc_of(products_.weights.dtype(), weight_shape_, Layout::plain);
    compiled.constants.emplace_back(DNNL_ARG_WEIGHTS, packed_.get(products_.weights, plain, desc.weights_desc()));
    compiled.finish<Forward>(desc);
    return compiled;
  }

 private:
  int input() const { return input_index(cluster_, cluster_.inputs[0]); }

  const Cluster cluster_;
  const Products products_;
  int64_t group_ = 1;
  Shape kernel_, weight_shape_;
  mutable PackedWeights packed_;
};

/// The windows that the fast variants of our depthwise kernel have tiles for: 3, 5 or 7 wide with as many rows or a few less.
bool has_fast_window(const Cluster& cluster, const Shape& weights) {
  if (weights.size() != 4 || kernels::best<kernels::Depthwise>().isa == kernels::Isa::scalar) return false;
  const Shape strides = cluster.root->attr_or("strides", Shape{1, 1}), dilations = cluster.root->attr_or("dilations", Shape{1, 1});
  const bool wide = (weights[3] == 3 || weights[3] == 5 || weights[3] == 7) && (weights[2] + 3) / 4 == (weights[3] + 3) / 4;
  return wide && strides.size() == 2 && strides[1] <= 2 && dilations.size() == 2 && dilations[1] == 1;
}

/// Where our own kernels are faster than oneDNN.
std::optional<Lowered> lower_on_kernels(const Cluster& cluster, const Products& products) {
  const auto bounds = products.int8() ? clamp_of(cluster, products.epilogue) : std::nullopt;
  if (!bounds) return std::nullopt;
  const CodeProduct product = code_product(products);
  if (kernels::best<kernels::Affine>().isa != kernels::Isa::scalar)
    if (auto affine = lower_affine(cluster, product, *bounds)) return affine;
  return has_fast_window(cluster, product.weights.shape()) ? lower_depthwise(cluster, product, *bounds) : std::nullopt;
}

/// Windows that oneDNN is faster on: on many channels wider than three, or deep. What lies on padding splits them into many small products.
bool is_large_window(const Shape& weights) {
  constexpr int64_t kWidest = 3, kDeepestHere = 9 * 256;
  const int64_t places = product(weights, 2, weights.size());
  const bool many = places > 1 && weights[1] >= 16 && weights[0] >= 32 && weights[0] % 16 == 0;
  return many && (*std::max_element(weights.begin() + 2, weights.end()) > kWidest || places * weights[1] > kDeepestHere);
}

/// True where our kernel for dense convolutions of codes is as fast as oneDNN's, which has to be made first: any but large windows and
/// groups too narrow to fill registers; an epilogue that it takes whole.
bool suits_code_kernel(const Cluster& cluster, const Shape& weights) {
  const int64_t group = cluster.root->attr_or("group", int64_t{1});
  const bool narrow = weights[0] < 8 * group || (group > 1 && weights[1] < 16);
  return !is_large_window(weights) && !narrow && fits_kernel(cluster, {weights.size(), 1, weights[0]});
}

}  // namespace

LowerResult lower_conv(const Model& model, const Cluster& cluster) {
  if (!cluster.inputs[1].constant()) return Declined{"the weight is no constant"};
  const Shape shape = cluster.inputs[1].value->constant()->shape();
  std::string reason;
  auto products = read_products(cluster, 0, {shape.size(), 1, shape[0]}, reason);
  if (!products) return Declined{reason};
  if (products->bias.size() != static_cast<size_t>(shape[0])) return Declined{"the bias has another length than the output channels"};
  if (products->int8()) products->weight_sums = sums_by_first_axis(products->weights);
  if (auto own = lower_on_kernels(cluster, *products)) return std::move(*own);
  if (products->int8() && unsigned_kernel() && suits_code_kernel(cluster, shape)) {
    LowerResult own = lower_kernel_conv(model, cluster, *unsigned_kernel());
    if (std::holds_alternative<Lowered>(own)) return own;
  }
  auto conv = std::make_shared<Conv>(cluster, std::move(*products));
  return lower_primitive(cluster, conv, LayoutRule::channels_last);
}

}  // namespace qtool::onednn
