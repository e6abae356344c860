// MaxPool and GlobalMaxPool on floats or on codes (order is kept by quantization, so codes are compared as they lie).

#include "exec/onednn/memory.h"
#include "exec/onednn/rows.h"
#include "exec/onednn/window.h"

namespace qtool::onednn {
namespace {

using Forward = dnnl::pooling_forward;

class MaxPool {
 public:
  explicit MaxPool(const Cluster& cluster) : cluster_(cluster) {
    const Operand& x = cluster.inputs[0];
    dtype_ = x.quantized() ? x.params->dtype : DType::float32;
  }

  Forward::primitive_desc describe(const std::vector<Shape>& inputs, Compiled& compiled) const {
    const Shape& in = inputs[0];
    const Node& node = *cluster_.root;
    Window window = node.is("GlobalMaxPool") ? whole(in) : window_of(node, in, node.attr_or("kernel_shape", Shape{}));
    compiled.out_shape = {in[0], in[1]};
    for (int64_t d : window.output(in, node.attr_or("ceil_mode", 0) != 0)) compiled.out_shape.push_back(d);
    compiled.out_dtype = dtype_;
    for (size_t d = 0; d < window.kernel.size(); ++d)  // what ceil_mode adds, or floor leaves
      window.end[d] = (compiled.out_shape[d + 2] - 1) * window.strides[d] + (window.kernel[d] - 1) * window.dilations[d] + 1 - in[d + 2] -
                      window.begin[d];
    dnnl::primitive_attr attr;
    attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    const auto x = desc_of(dtype_, in, Layout::channels_last), y = desc_of(dtype_, compiled.out_shape, Layout::channels_last);
    compiled.slots.push_back({DNNL_ARG_SRC, x, 0});
    compiled.slots.push_back({DNNL_ARG_DST, y, Compiled::kOutput});
    return Forward::primitive_desc(engine(), dnnl::prop_kind::forward_inference, dnnl::algorithm::pooling_max, x, y, window.strides,
                                   window.kernel, window.dilations_from_zero(), window.begin, window.end, attr);
  }

  Compiled compile(const std::vector<Shape>& inputs) const {
    Compiled compiled;
    compiled.finish<Forward>(describe(inputs, compiled));
    return compiled;
  }

 private:
  static Window whole(const Shape& in) {
    const Shape kernel(in.begin() + 2, in.end()), ones(kernel.size(), 1), zeros(kernel.size(), 0);
    return {kernel, ones, ones, zeros, zeros};
  }

  const Cluster cluster_;
  DType dtype_;
};

}  // namespace

LowerResult lower_max_pool(const Model&, const Cluster& cluster) {
  const Operand& x = cluster.inputs[0];
  if (x.constant() || cluster.outputs.size() != 1) return Declined{"a constant input, or indices wanted"};
  if (x.quantized() && !per_tensor_8bit(x)) return Declined{"codes are not per-tensor 8-bit"};
  if (!x.quantized() && x.value->type.dtype != DType::float32 && x.value->type.dtype != DType::undefined)
    return Declined{"neither float32 nor codes"};
  return lower_primitive(cluster, std::make_shared<MaxPool>(cluster), LayoutRule::channels_last);
}

}  // namespace qtool::onednn
