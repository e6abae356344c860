#include "quantize/qdq_nodes.h"

namespace qtool {
namespace {

Tensor scale_tensor(const QuantParams& params) {
  const Shape shape = params.per_channel() ? Shape{static_cast<int64_t>(params.scales.size())} : Shape{};
  return Tensor::of<float>(shape, params.scales);
}

Tensor zero_point_tensor(const QuantParams& params) {
  const Shape shape = params.per_channel() ? Shape{static_cast<int64_t>(params.zero_points.size())} : Shape{};
  return Tensor::of<int32_t>(shape, params.zero_points).cast(params.dtype);
}

}  // namespace

QdqNodes::QdqNodes(Graph& main) : main_(main) {
  for_each_graph(main, [&](Graph& graph) {
    for (const Node& node : graph.nodes()) node_names_.take(node.name);
  });
}

void QdqNodes::name_node(Node& node, const std::string& name) {
  node.name = node_names_.fresh(name);
  node_names_.take(node.name);
}

QdqNodes::Pair QdqNodes::parameters(const std::string& name, const QuantParams& params) {
  const Key key{params.dtype, params.axis, params.scales, params.zero_points};
  const auto found = made_.find(key);
  if (found != made_.end()) return found->second;
  Value* scale = main_.add_weight(free(name + "_scale"), scale_tensor(params)).out(0);
  Value* zero_point = main_.add_weight(free(name + "_zero_point"), zero_point_tensor(params)).out(0);
  return made_.emplace(key, Pair{scale, zero_point}).first->second;
}

Value& QdqNodes::quantize(Value& value, const std::string& name, const QuantParams& params) {
  Graph& graph = value.producer().graph();
  const Pair pair = parameters(name, params);
  Value& codes = graph.call("QuantizeLinear", {&value, pair.scale, pair.zero_point}, free(name + "_q"), &graph.place_after(value));
  name_node(codes.producer(), codes.name());
  codes.type = {params.dtype, value.type.dims};
  return codes;
}

Value& QdqNodes::dequantize(Graph& graph, Value& codes, const std::string& name, bool takes_name, const QuantParams& params) {
  const Pair pair = parameters(name, params);
  const bool same_graph = &codes.producer().graph() == &graph;
  Node* before = nullptr;
  if (same_graph) {
    before = &graph.place_after(codes);
  } else {
    for (Node& node : graph.nodes()) {
      before = &node;
      if (node.kind() != NodeKind::placeholder && node.kind() != NodeKind::get_attr) break;
    }
  }
  const std::string output = takes_name ? name : free(name + "_dq");
  Value& real = graph.call("DequantizeLinear", {&codes, pair.scale, pair.zero_point}, output, before);
  name_node(real.producer(), name + "_dequantize");
  real.type = {DType::float32, codes.type.dims};
  return real;
}

Value& QdqNodes::constant(const std::string& name, Tensor codes, const QuantParams& params) {
  const Pair pair = parameters(name, params);
  const Shape shape = codes.shape();
  Value& stored = *main_.add_weight(free(name + "_q"), std::move(codes)).out(0);
  Value& real = main_.call("DequantizeLinear", {&stored, pair.scale, pair.zero_point}, free(name), &main_.place_after(stored));
  name_node(real.producer(), name + "_dequantize");
  if (params.per_channel()) real.producer().set_attribute("axis", static_cast<int64_t>(params.axis));
  real.type = ValueType::of(DType::float32, shape);
  return real;
}

}  // namespace qtool
