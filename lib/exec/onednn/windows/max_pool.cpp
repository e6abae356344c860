// MaxPool and GlobalMaxPool on floats or on codes (order is kept by quantization, so codes are compared as they lie), where our own
// kernel has no fast variant.

#include "exec/kernels/windows/max_pool.h"

#include "exec/kernels/lowerings.h"
#include "exec/onednn/lowerings.h"
#include "exec/onednn/memory.h"
#include "kernels/registry.h"

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
    Window window = pool_window(*cluster_.root, in);
    compiled.out_shape = pool_output(*cluster_.root, in, window);
    compiled.out_dtype = dtype_;
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
  const Cluster cluster_;
  DType dtype_;
};

}  // namespace

LowerResult lower_max_pool(const Model& model, const Cluster& cluster) {
  const Operand& x = cluster.inputs[0];
  if (x.constant() || cluster.outputs.size() != 1) return Declined{"a constant input, or indices wanted"};
  if (x.quantized() && !per_tensor_8bit(x)) return Declined{"codes are not per-tensor 8-bit"};
  if (!x.quantized() && x.value->type.dtype != DType::float32 && x.value->type.dtype != DType::undefined)
    return Declined{"neither float32 nor codes"};
  if (x.quantized() && kernels::best<kernels::Maximum>().isa != kernels::Isa::scalar) {
    LowerResult own = lower_code_max_pool(model, cluster);
    if (std::holds_alternative<Lowered>(own)) return own;
  }
  return lower_primitive(cluster, std::make_shared<MaxPool>(cluster), LayoutRule::channels_last);
}

}  // namespace qtool::onednn
