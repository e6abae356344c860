// bn_to_conv: BatchNormalization alone as a depthwise 1x1 convolution, which integer kernels compute with one exact weight a channel:
//
//   y[c] = s[c] x[c] + t[c]        W = s as [C, 1, 1, ...], b = t, group = C
#include "pass/rewrites/channel_affine.h"
#include "pass/rewrites/rewrite.h"

namespace qtool {
namespace {

Node* find_bn(const Match& match) {
  for (Node* node : match.nodes)
    if (node->is("BatchNormalization")) return node;
  return nullptr;
}

ChannelAffine affine_of_bn(const Node& bn) {
  const Tensor* scale = bn.in(1) ? bn.in(1)->constant() : nullptr;
  const size_t rank = bn.in(0) && bn.in(0)->type.dims ? bn.in(0)->type.dims->size() : 0;
  return affine_of(bn, {scale ? scale->size() : 0, rank, false});
}

std::optional<std::string> refuse(const Match& match) {
  const Node* bn = find_bn(match);
  if (!bn) return "no BatchNormalization";
  if (!bn->in(0) || !bn->in(0)->type.dims || bn->in(0)->type.dims->size() < 3) return "its input is not known to have 3 dimensions or more";
  const ChannelAffine affine = affine_of_bn(*bn);
  return affine.ok() ? std::nullopt : std::optional(affine.reason);
}

void apply(Match& match) {
  Node& bn = *find_bn(match);
  Graph& graph = bn.graph();
  const ChannelAffine affine = affine_of_bn(bn);
  const auto channels = static_cast<int64_t>(affine.scale.size());
  const DType dtype = bn.in(1)->constant()->dtype();
  Shape shape(bn.in(0)->type.dims->size(), 1);
  shape[0] = channels;
  const std::string scale = bn.in(1)->name(), bias = bn.in(2)->name();
  graph.drop_inputs_from(bn, 1);
  graph.add_input(bn, graph.add_weight(graph.fresh_name(scale + "_folded"), from_doubles(dtype, shape, affine.scale)).out());
  graph.add_input(bn, graph.add_weight(graph.fresh_name(bias + "_folded"), from_doubles(dtype, {channels}, affine.shift)).out());
  bn.op = "Conv";
  bn.attributes.clear();
  bn.set_attribute("group", channels);
  bn.set_attribute("kernel_shape", std::vector<int64_t>(shape.size() - 2, 1));
}

}  // namespace

extern const Rewrite k_bn_to_conv{"bn_to_conv", refuse, apply};

}  // namespace qtool
