#include "quantize/imported.h"

#include <optional>

#include "quantize/constants_to_qdq.h"
#include "quantize/qdq_nodes.h"

namespace qtool {
namespace {

bool is_qdq(const Node& node) { return node.is("QuantizeLinear") || node.is("DequantizeLinear"); }

std::vector<float> scales_of(const Value* value) {
  const Node& node = value->producer();
  const Tensor* scale = node.is("DequantizeLinear") && node.in(1) ? node.in(1)->constant() : nullptr;
  return scale && scale->dtype() == DType::float32 ? scale->to_floats() : std::vector<float>{};
}

bool takes_bias(const Node& node) {
  if (node.is("Conv") || node.is("ConvTranspose")) return true;
  return node.is("Gemm") && node.attr_or("alpha", 1.0f) == 1.0f && node.attr_or("beta", 1.0f) == 1.0f;
}

/// The weight's scales, one for each number of the bias or one for all; empty where the call is not between Q/DQ.
std::optional<QuantParams> weight_of(const Node& node, const Tensor& bias) {
  const std::vector<float> scales = scales_of(node.in(1));
  if (scales.empty() || (scales.size() != 1 && static_cast<int64_t>(scales.size()) != bias.size())) return std::nullopt;
  return QuantParams{DType::int8, scales.size() == 1 ? -1 : 0, scales, std::vector<int32_t>(scales.size(), 0)};
}

bool store_bias(Node& node, QdqNodes& nodes) {
  if (!takes_bias(node) || !node.in(0) || !node.in(1) || !node.in(2)) return false;
  Value& value = *node.in(2);
  const Tensor* bias = value.constant();
  const std::vector<float> input = scales_of(node.in(0));
  if (!bias || bias->dtype() != DType::float32 || bias->rank() != 1 || input.size() != 1) return false;
  const auto weight = weight_of(node, *bias);
  if (!weight) return false;
  const auto [codes, params] = quantize_bias(*bias, input[0], *weight);
  Graph& graph = node.graph();
  std::string name = value.name();
  if (value.uses().size() == 1)
    value.producer().graph().rename(value, graph.fresh_name(name + "_float"));
  else
    name = graph.fresh_name(name + "_int32");
  graph.set_input(node, 2, &nodes.constant(name, codes, params));
  return true;
}

}  // namespace

size_t count_qdq(const Model& model) {
  size_t count = 0;
  for_each_graph(*model.graph, [&](Graph& graph) {
    for (const Node& node : graph.nodes()) count += is_qdq(node);
  });
  return count;
}

size_t store_biases(Model& model, const Placement& placement) {
  if (placement.bias != Placement::Bias::int32_dq) return 0;
  QdqNodes nodes(*model.graph);
  size_t count = 0;
  for_each_graph(*model.graph, [&](Graph& graph) {
    for (Node& node : graph.editable()) count += store_bias(node, nodes);
  });
  return count;
}

}  // namespace qtool
