// ConvTranspose as oneDNN's deconvolution, int8 and float. Weights [in, out / group, kernel...].

#include "exec/kernels/products/kernel_products.h"
#include "exec/kernels/products/patches.h"
#include "exec/kernels/windows/window.h"
#include "exec/onednn/lowerings.h"
#include "exec/onednn/memory.h"
#include "exec/onednn/products/products.h"

namespace qtool::onednn {
namespace {

using dnnl::memory;
using Forward = dnnl::deconvolution_forward;

class ConvTranspose {
 public:
  ConvTranspose(const Cluster& cluster, Products products) : cluster_(cluster), products_(std::move(products)) {
    const Shape& shape = products_.weights.shape();
    group_ = cluster.root->attr_or("group", int64_t{1});
    kernel_.assign(shape.begin() + 2, shape.end());
    channels_ = shape[1] * group_;
  }

  Forward::primitive_desc describe(const std::vector<Shape>& inputs, Compiled& compiled) const {
    const int index = input_index(cluster_, cluster_.inputs[0]);
    const Shape& in = inputs[static_cast<size_t>(index)];
    Window window = window_of(*cluster_.root, in, kernel_);
    compiled.out_shape = output_of(in, window);
    compiled.out_dtype = products_.epilogue.out_dtype;
    dnnl::primitive_attr attr;
    products_.apply(attr, group_ > 1 ? 3 : 1, false, compiled);
    attr.set_post_ops(make_post_ops(products_.epilogue, cluster_, inputs, compiled.out_shape, Layout::channels_last, compiled));
    const auto x = desc_of(products_.in_dtype, in, Layout::channels_last),
               y = desc_of(compiled.out_dtype, compiled.out_shape, Layout::channels_last);
    const memory::desc w(stored_weights().get_dims(), data_type(products_.weights.dtype()), memory::format_tag::any);
    const memory::desc b({channels_}, memory::data_type::f32, memory::dims{1});
    compiled.constants.emplace_back(DNNL_ARG_BIAS, constant_floats(products_.shifts(false, channels_)));
    compiled.slots.push_back({DNNL_ARG_SRC, x, index});
    compiled.slots.push_back({DNNL_ARG_DST, y, Compiled::kOutput});
    return Forward::primitive_desc(engine(), dnnl::prop_kind::forward_inference, dnnl::algorithm::deconvolution_direct, x, w, b, y,
                                   window.strides, window.dilations_from_zero(), window.begin, window.end, attr);
  }

  Compiled compile(const std::vector<Shape>& inputs) const {
    Compiled compiled;
    const auto desc = describe(inputs, compiled);
    compiled.constants.emplace_back(DNNL_ARG_WEIGHTS, packed_.get(products_.weights, stored_weights(), desc.weights_desc()));
    compiled.finish<Forward>(desc);
    return compiled;
  }

 private:
  /// Sets window.end to what oneDNN must cut, output_padding taken off.
  Shape output_of(const Shape& in, Window& window) const {
    const Shape extra = cluster_.root->attr_or("output_padding", Shape(kernel_.size(), 0));
    Shape out{in[0], channels_};
    for (size_t d = 0; d < kernel_.size(); ++d) {
      window.end[d] -= extra[d];
      out.push_back((in[d + 2] - 1) * window.strides[d] + (kernel_[d] - 1) * window.dilations[d] + 1 - window.begin[d] - window.end[d]);
    }
    return out;
  }

  /// The file's bytes seen as [out, in, kernel...], or [group, out / group, in / group, kernel...].
  memory::desc stored_weights() const {
    const Shape& shape = products_.weights.shape();
    const Shape steps = strides_of(shape);
    memory::dims dims{shape[1], shape[0] / group_}, strides{steps[1], steps[0]};
    if (group_ > 1) dims.insert(dims.begin(), group_), strides.insert(strides.begin(), steps[0] * (shape[0] / group_));
    dims.insert(dims.end(), shape.begin() + 2, shape.end());
    strides.insert(strides.end(), steps.begin() + 2, steps.end());
    return memory::desc(dims, data_type(products_.weights.dtype()), strides);
  }

  const Cluster cluster_;
  const Products products_;
  int64_t group_ = 1, channels_ = 0;
  Shape kernel_;
  mutable PackedWeights packed_;
};

/// Where our own kernels are faster than oneDNN.
std::optional<Lowered> lower_on_kernels(const Model& model, const Cluster& cluster, const Shape& weights) {
  const bool codes = cluster.inputs[0].quantized();
  if (codes ? !unsigned_kernel() : kernels::best<kernels::FloatGemm>().isa == kernels::Isa::scalar) return std::nullopt;
  if (!has_disjoint_patches(*cluster.root, weights)) return std::nullopt;
  const CodeKernel& kernel = codes ? *unsigned_kernel() : signed_kernel();
  LowerResult own = lower_kernel_conv_transpose(model, cluster, kernel);
  return std::holds_alternative<Lowered>(own) ? std::optional(std::move(std::get<Lowered>(own))) : std::nullopt;
}

}  // namespace

LowerResult lower_conv_transpose(const Model& model, const Cluster& cluster) {
  const Node& node = *cluster.root;
  if (!cluster.inputs[1].constant()) return Declined{"the weight is no constant"};
  if (node.attr_or("auto_pad", "NOTSET") != "NOTSET" || node.attribute("output_shape")) return Declined{"auto_pad or output_shape"};
  const Shape shape = cluster.inputs[1].value->constant()->shape();
  if (auto own = lower_on_kernels(model, cluster, shape)) return std::move(*own);
  const int64_t group = node.attr_or("group", int64_t{1}), channels = shape[1] * group;
  if (group > 1 && cluster.inputs[1].quantized() && cluster.inputs[1].params->per_channel())
    return Declined{"scales per channel of a grouped weight"};
  std::string reason;
  auto products = read_products(cluster, 1, {shape.size(), 1, channels}, reason);
  if (!products) return Declined{reason};
  if (products->bias.size() != static_cast<size_t>(channels)) return Declined{"the bias has another length than the output channels"};
  return lower_primitive(cluster, std::make_shared<ConvTranspose>(cluster, std::move(*products)), LayoutRule::channels_last);
}

}  // namespace qtool::onednn
