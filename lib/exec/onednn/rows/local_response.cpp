// LRN on floats, channels_last.

#include "exec/onednn/lowerings.h"
#include "exec/onednn/memory.h"

namespace qtool::onednn {
namespace {

class FloatResponse {
 public:
  explicit FloatResponse(const Cluster& cluster) : node_(*cluster.root) {}

  dnnl::lrn_forward::primitive_desc describe(const std::vector<Shape>& inputs, Compiled& compiled) const {
    const auto desc = desc_of(DType::float32, inputs[0], Layout::channels_last);
    compiled.out_shape = inputs[0];
    compiled.slots.push_back({DNNL_ARG_SRC, desc, 0});
    compiled.slots.push_back({DNNL_ARG_DST, desc, Compiled::kOutput});
    dnnl::primitive_attr attr;
    attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    return {engine(),
            dnnl::prop_kind::forward_inference,
            dnnl::algorithm::lrn_across_channels,
            desc,
            desc,
            node_.attr_or("size", int64_t{1}),
            node_.attr_or("alpha", 1e-4f),
            node_.attr_or("beta", 0.75f),
            node_.attr_or("bias", 1.0f),
            attr};
  }

  Compiled compile(const std::vector<Shape>& inputs) const {
    Compiled compiled;
    compiled.finish<dnnl::lrn_forward>(describe(inputs, compiled));
    return compiled;
  }

 private:
  const Node& node_;
};

}  // namespace

LowerResult lower_lrn(const Model&, const Cluster& cluster) {
  if (cluster.inputs[0].constant() || cluster.root->attr_or("size", int64_t{1}) % 2 == 0)
    return Declined{"a constant, or windows that have no middle"};
  return lower_primitive(cluster, std::make_shared<FloatResponse>(cluster), LayoutRule::channels_last);
}

}  // namespace qtool::onednn
