#include "exec/canonical/signed_codes.h"

#include <algorithm>
#include <unordered_map>

#include "exec/cluster/quantized.h"

namespace qtool {
namespace {

bool has_u8_codes(const Node& node) {
  const auto params = params_of(node);
  return params && params->dtype == DType::uint8;
}

/// Does a Q make them, and are they seen by DQs alone?
bool stay_inside(const Node& quantize) {
  if (!is_quantize(quantize) || !has_u8_codes(quantize) || !quantize.out(0) || quantize.out(0)->is_graph_output()) return false;
  const auto& uses = quantize.out(0)->uses();
  return std::all_of(uses.begin(), uses.end(),
                     [](const Use& use) { return use.input == 0 && is_dequantize(*use.node) && has_u8_codes(*use.node); });
}

/// Zero points of s8, one for every one of u8, or for every scale without one: beside it, where all its users can see it.
class SignedZeroPoints {
 public:
  void give(Node& node) {
    Value& old = *node.in(node.in(2) ? 2 : 1);
    Value*& made = made_[&old];
    if (!made) made = &make(old, params_of(node)->zero_points);
    node.graph().set_input(node, 2, made);
  }

 private:
  static Value& make(const Value& old, const std::vector<int32_t>& zero_points) {
    std::vector<int8_t> lower;
    for (const int32_t zero_point : zero_points) lower.push_back(static_cast<int8_t>(zero_point - 128));
    Graph& graph = old.producer().graph();
    return *graph.add_weight(graph.fresh_name(old.name() + "_s8"), Tensor::of<int8_t>(old.constant()->shape(), lower)).out(0);
  }

  std::unordered_map<const Value*, Value*> made_;
};

}  // namespace

void sign_codes(Model& model) {
  SignedZeroPoints zero_points;
  for_each_graph(*model.graph, [&](Graph& graph) {
    for (Node& node : graph.editable()) {
      if (!stay_inside(node)) continue;
      if (node.attribute("output_dtype")) node.set_attribute("output_dtype", static_cast<int64_t>(DType::int8));
      node.out(0)->type.dtype = DType::int8;
      zero_points.give(node);
      for (const Use& use : node.out(0)->uses()) zero_points.give(*use.node);
    }
  });
}

}  // namespace qtool
