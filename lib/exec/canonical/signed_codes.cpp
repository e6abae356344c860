#include "exec/canonical/signed_codes.h"

#include <algorithm>
#include <map>

#include "exec/cluster/quantized.h"

namespace qtool {
namespace {

bool has_u8_codes(const Node& node) {
  const auto params = params_of(node);
  return params && params->dtype == DType::uint8;
}

/// Are the codes of `quantize` seen by DQs alone?
bool stay_inside(const Node& quantize) {
  const Value* codes = quantize.out(0);
  if (!codes || codes->is_graph_output()) return false;
  const auto& uses = codes->uses();
  return std::all_of(uses.begin(), uses.end(),
                     [](const Use& use) { return use.input == 0 && is_dequantize(*use.node) && has_u8_codes(*use.node); });
}

/// Zero points of s8, one for every one of u8 in the model (or for every scale without).
class Lowered {
 public:
  void change(Node& node) {
    Value*& lower = made_[node.in(2) ? node.in(2) : node.in(1)];
    if (!lower) lower = &make(node);
    node.graph().set_input(node, 2, lower);
  }

 private:
  static Value& make(const Node& node) {
    const Value& scale = *node.in(1);
    const auto params = params_of(node);
    std::vector<int8_t> lower;
    for (const int32_t zero_point : params->zero_points) lower.push_back(static_cast<int8_t>(zero_point - 128));
    Graph& graph = scale.producer().graph();
    return *graph.add_weight(graph.fresh_name(scale.name() + "_zero_point_s8"), Tensor::of<int8_t>(scale.constant()->shape(), lower))
                .out(0);
  }

  std::map<const Value*, Value*> made_;
};

}  // namespace

void sign_codes(Model& model) {
  Lowered zero_points;
  for_each_graph(*model.graph, [&](Graph& graph) {
    std::vector<Node*> found;
    for (Node& node : graph.nodes())
      if (is_quantize(node) && has_u8_codes(node) && stay_inside(node)) found.push_back(&node);
    for (Node* quantize : found) {
      Value& codes = *quantize->out(0);
      if (quantize->attribute("output_dtype")) quantize->set_attribute("output_dtype", static_cast<int64_t>(DType::int8));
      codes.type.dtype = DType::int8;
      zero_points.change(*quantize);
      for (const Use& use : std::vector<Use>(codes.uses())) zero_points.change(*use.node);
    }
  });
}

}  // namespace qtool
