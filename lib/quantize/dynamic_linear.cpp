#include "quantize/dynamic_linear.h"

#include "quantize/layers.h"

namespace qtool {

bool is_by_row(const ObserverSpec& activation) {
  return activation.dynamic() && activation.dtype == DType::int8 && activation.qscheme == QScheme::per_channel_symmetric;
}

Value& DynamicLinear::number(const std::string& name, float value) { return weights_.constant(name, Tensor::scalar(value)); }

/// max over the last axis, which stays; from opset 18 the axes are an input.
Value& DynamicLinear::largest_by_row(Node& reader, Value& magnitudes, const std::string& name) {
  Graph& graph = reader.graph();
  std::vector<Value*> inputs{&magnitudes};
  if (opset_ >= 18) inputs.push_back(&weights_.constant("last_axis", Tensor::of<int64_t>({1}, {-1})));
  Value& largest = graph.call("ReduceMax", inputs, graph.fresh_name(name + "_largest"), &reader);
  if (opset_ < 18) largest.producer().set_attribute("axes", std::vector<int64_t>{-1});
  largest.producer().set_attribute("keepdims", int64_t{1});
  return largest;
}

/// scale = max(max |row| / largest code, eps);  codes = round_half_even(x / scale)
DynamicLinear::Codes DynamicLinear::by_row(Node& reader, Value& x, const ObserverSpec& spec) {
  Graph& graph = reader.graph();
  const std::string& name = x.name();
  std::vector<Value*> made;
  auto call = [&](const char* op, const std::vector<Value*>& inputs, const char* suffix) -> Value& {
    made.push_back(&graph.call(op, inputs, graph.fresh_name(name + suffix), &reader));
    return *made.back();
  };
  Value& magnitudes = call("Abs", {&x}, "_magnitude");
  Value& largest = largest_by_row(reader, magnitudes, name);
  Value& unbound = call("Div", {&largest, &number("row_codes", static_cast<float>(spec.codes.hi))}, "_row_scale_raw");
  Value& scale = call("Max", {&unbound, &number("row_eps", spec.eps)}, "_row_scale");
  Value& steps = call("Div", {&x, &scale}, "_steps");
  Value& whole = call("Round", {&steps}, "_whole");
  Value& codes = call("Cast", {&whole}, "_row_q");
  codes.producer().set_attribute("to", static_cast<int64_t>(DType::int8));
  for (Value* value : made) {
    value->producer().name = value->name();
    value->type.dtype = DType::float32;
  }
  largest.producer().name = largest.name();
  codes.type = {DType::int8, x.type.dims};
  return {&codes, &scale, nullptr};
}

const DynamicLinear::Codes& DynamicLinear::activation(Node& reader, Value& x, const ObserverSpec& spec) {
  Graph& graph = reader.graph();
  const auto [at, fresh] = made_.try_emplace({&graph, &x, is_by_row(spec)});
  if (!fresh) return at->second;
  if (is_by_row(spec)) return at->second = by_row(reader, x, spec);
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

void DynamicLinear::rewrite(Node& node, const QConfig& qconfig) {
  ObserverSpec spec = qconfig.weight;
  spec.ch_axis = -1;  // scales must not differ along the sum
  Graph& graph = node.graph();
  Value& weight = *node.in(1);
  const bool transposed = node.is("Gemm") && node.attr_or("transB", 0) != 0;
  const float alpha = node.is("Gemm") ? node.attr_or("alpha", 1.0f) : 1.0f;
  const auto stored = weights_.codes(weight, spec, static_cast<int>(weight.constant()->rank()) - 1, transposed, alpha);
  const Codes& x = activation(node, *node.in(0), qconfig.activation);
  const std::string name = node.out(0)->name();
  std::vector<Value*> operands{x.codes, stored.codes, x.zero_point};
  if (stored.zero_point) operands.push_back(stored.zero_point);
  while (!operands.back()) operands.pop_back();
  Value& sum = graph.call("MatMulInteger", operands, graph.fresh_name(name + "_sum"), &node);
  Value& real = graph.call("Cast", {&sum}, graph.fresh_name(name + "_sum_float"), &node);
  real.producer().set_attribute("to", static_cast<int64_t>(DType::float32));
  const bool rows = is_by_row(qconfig.activation);  // two products of the sums are cheaper than one of the scales
  Value& first = rows ? graph.call("Mul", {&real, x.scale}, graph.fresh_name(name + "_rows"), &node)
                      : graph.call("Mul", {x.scale, stored.scale}, graph.fresh_name(name + "_scale"), &node);
  Value& product = graph.call("Mul", {rows ? &first : &real, rows ? stored.scale : &first}, graph.fresh_name(name + "_product"), &node);
  for (Value* each : {&sum, &real, &first, &product}) each->producer().name = each->name();
  sum.type = {DType::int32, node.out(0)->type.dims};
  real.type = product.type = {DType::float32, node.out(0)->type.dims};
  finish(node, product);
}

}  // namespace qtool
