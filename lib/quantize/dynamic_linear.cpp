#include "quantize/dynamic_linear.h"

#include "quantize/layers.h"

namespace qtool {

const DynamicLinear::Codes& DynamicLinear::activation(Node& reader, Value& x) {
  Graph& graph = reader.graph();
  const auto [at, fresh] = made_.try_emplace({&graph, &x});
  if (!fresh) return at->second;
  const std::string& name = x.name();
  Node& node =
      graph.add_call(NodeKind::call_function, "", "DynamicQuantizeLinear", {&x},
                     {graph.fresh_name(name + "_q"), graph.fresh_name(name + "_scale"), graph.fresh_name(name + "_zero_point")}, &reader);
  node.name = node.out(0)->name();
  node.out(0)->type = {DType::uint8, x.type.dims};
  node.out(1)->type = ValueType::of(DType::float32, {});
  node.out(2)->type = ValueType::of(DType::uint8, {});
  return at->second = {node.out(0), node.out(1), node.out(2)};
}

/// `product` is a float that stands for the node's output but for the bias of a Gemm.
void DynamicLinear::finish(Node& node, Value& product) {
  Graph& graph = node.graph();
  Value& y = *node.out(0);
  const std::string name = y.name();
  graph.rename(y, graph.fresh_name(name + "_float"));
  Value* result = &product;
  if (Value* bias = node.is("Gemm") ? node.in(2) : nullptr)
    result = &graph.call("Add", {&product, bias}, graph.fresh_name(name + "_biased"), &node);
  result->type = y.type;
  graph.replace_uses(y, *result);
  const std::string node_name = node.name;
  graph.erase(node);
  graph.rename(*result, name);
  result->producer().name = node_name.empty() ? name + "_scaled" : node_name;
}

void DynamicLinear::rewrite(Node& node, ObserverSpec spec) {
  spec.ch_axis = -1;  // scales must not differ along the sum
  Graph& graph = node.graph();
  Value& weight = *node.in(1);
  const bool transposed = node.is("Gemm") && node.attr_or("transB", 0) != 0;
  const float alpha = node.is("Gemm") ? node.attr_or("alpha", 1.0f) : 1.0f;
  const auto stored = weights_.codes(weight, spec, static_cast<int>(weight.constant()->rank()) - 1, transposed, alpha);
  const Codes& x = activation(node, *node.in(0));
  const std::string name = node.out(0)->name();
  std::vector<Value*> operands{x.codes, stored.codes, x.zero_point};
  if (stored.zero_point) operands.push_back(stored.zero_point);
  Value& sum = graph.call("MatMulInteger", operands, graph.fresh_name(name + "_sum"), &node);
  Value& real = graph.call("Cast", {&sum}, graph.fresh_name(name + "_sum_float"), &node);
  real.producer().set_attribute("to", static_cast<int64_t>(DType::float32));
  Value& scale = graph.call("Mul", {x.scale, stored.scale}, graph.fresh_name(name + "_scale"), &node);
  Value& product = graph.call("Mul", {&real, &scale}, graph.fresh_name(name + "_product"), &node);
  for (Value* each : {&sum, &real, &scale, &product}) each->producer().name = each->name();
  sum.type = {DType::int32, node.out(0)->type.dims};
  real.type = product.type = {DType::float32, node.out(0)->type.dims};
  finish(node, product);
}

}  // namespace qtool
