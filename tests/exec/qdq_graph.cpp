#include "tests/exec/qdq_graph.h"

#include <random>

#include "ops/op_def.h"

namespace qtool::testing {
namespace {

Tensor random_codes(DType dtype, const Shape& shape, int lo, int hi, unsigned seed) {
  std::mt19937 random(seed);
  Tensor tensor(dtype, shape);
  for (int64_t i = 0; i < tensor.size(); ++i)
    tensor.mutable_bytes()[i] = static_cast<std::byte>(std::uniform_int_distribution<int>(lo, hi)(random));
  return tensor;
}

Tensor zero_point_tensor(DType dtype, const Shape& shape, int value) {
  Tensor tensor(dtype, shape);
  for (int64_t i = 0; i < tensor.size(); ++i) tensor.mutable_bytes()[i] = static_cast<std::byte>(value);
  return tensor;
}

}  // namespace

QdqGraph::QdqGraph(int opset) { model_.set_opset("", opset); }

Value& QdqGraph::input(const std::string& name, const Shape& shape) {
  return *model_.graph->add_placeholder(name, ValueType::of(DType::float32, shape)).out();
}

Value& QdqGraph::q(Value& x, const Params& params) {
  Graph& graph = *model_.graph;
  Value& scale = *graph.add_weight(fresh("scale"), Tensor::scalar(params.scale)).out();
  Value& zero = *graph.add_weight(fresh("zero"), zero_point_tensor(params.dtype, {}, params.zero_point)).out();
  Value& codes = graph.call("QuantizeLinear", {&x, &scale, &zero}, fresh("codes"));
  return graph.call("DequantizeLinear", {&codes, &scale, &zero}, fresh("real"));
}

Value& QdqGraph::constant(const Shape& shape, float span) {
  std::mt19937 random(seed_++);
  Tensor tensor(DType::float32, shape);
  for (float& x : tensor.mutable_data<float>()) x = std::uniform_real_distribution<float>(-span, span)(random);
  return *model_.graph->add_weight(fresh("constant"), tensor).out();
}

Value& QdqGraph::scalar(float value) { return *model_.graph->add_weight(fresh("scalar"), Tensor::scalar(value)).out(); }

Value& QdqGraph::integers(const std::vector<int64_t>& values) {
  const Tensor tensor = Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values);
  return *model_.graph->add_weight(fresh("integers"), tensor).out();
}

Value& QdqGraph::weight(const Shape& shape, int axis, float scale, DType dtype, int zero_point) {
  Graph& graph = *model_.graph;
  const int lo = dtype == DType::int8 ? -127 : 0, hi = dtype == DType::int8 ? 127 : dtype == DType::uint4 ? 15 : 255;
  Value& codes = *graph.add_weight(fresh("w_q"), random_codes(dtype, shape, lo, hi, seed_)).out();
  const Shape scales_shape = axis < 0 ? Shape{} : Shape{shape[static_cast<size_t>(axis)]};
  Tensor scales(DType::float32, scales_shape);
  std::mt19937 random(seed_++);
  for (float& s : scales.mutable_data<float>()) s = scale * std::uniform_real_distribution<float>(0.5f, 1.5f)(random);
  Value& scale_value = *graph.add_weight(fresh("w_scale"), scales).out();
  Value& zero = *graph.add_weight(fresh("w_zero"), zero_point_tensor(dtype, scales_shape, zero_point)).out();
  Value& real = graph.call("DequantizeLinear", {&codes, &scale_value, &zero}, fresh("w"));
  real.producer().set_attribute("axis", int64_t{std::max(axis, 0)});
  return real;
}

Value& QdqGraph::block_weight(const Shape& shape, int axis, int64_t block, float scale, DType dtype) {
  Graph& graph = *model_.graph;
  const auto range = full_range(dtype);
  Shape blocks = shape;
  blocks[static_cast<size_t>(axis)] = (blocks[static_cast<size_t>(axis)] + block - 1) / block;
  const auto codes = [&](const Shape& of) {
    return random_codes(dtype, of, static_cast<int>(range.lo), static_cast<int>(range.hi), seed_++);
  };
  Tensor scales(DType::float32, blocks);
  std::mt19937 random(seed_++);
  for (float& s : scales.mutable_data<float>()) s = scale * std::uniform_real_distribution<float>(0.5f, 1.5f)(random);
  Value& w = *graph.add_weight(fresh("w_q"), codes(shape)).out();
  Value& s = *graph.add_weight(fresh("w_scale"), scales).out();
  Value& z = *graph.add_weight(fresh("w_zero"), codes(blocks)).out();
  Value& real = graph.call("DequantizeLinear", {&w, &s, &z}, fresh("w"));
  real.producer().set_attribute("axis", int64_t{axis});
  real.producer().set_attribute("block_size", block);
  return real;
}

Value& QdqGraph::bias(int64_t channels, float input_scale, const Value& weight) {
  Graph& graph = *model_.graph;
  std::mt19937 random(seed_++);
  Tensor codes(DType::int32, {channels}), scales(DType::float32, {channels});
  const Tensor& weight_scales = *weight.producer().in(1)->constant();
  for (int64_t c = 0; c < channels; ++c) {
    codes.mutable_data<int32_t>()[static_cast<size_t>(c)] = std::uniform_int_distribution<int>(-5000, 5000)(random);
    scales.mutable_data<float>()[static_cast<size_t>(c)] =
        input_scale * weight_scales.floats()[weight_scales.size() == 1 ? 0 : static_cast<size_t>(c)];
  }
  Value& q = *graph.add_weight(fresh("b_q"), codes).out();
  Value& s = *graph.add_weight(fresh("b_scale"), scales).out();
  Value& z = *graph.add_weight(fresh("b_zero"), Tensor::zeros(DType::int32, {channels})).out();
  Value& real = graph.call("DequantizeLinear", {&q, &s, &z}, fresh("b"));
  real.producer().set_attribute("axis", int64_t{0});
  return real;
}

Value& QdqGraph::op(const std::string& type, const std::vector<Value*>& inputs,
                    const std::vector<std::pair<std::string, AttributeValue>>& attributes) {
  Value& y = model_.graph->call(type, inputs, fresh(type + "_y"));
  for (const auto& [name, value] : attributes) y.producer().set_attribute(name, value);
  return y;
}

Shape QdqGraph::shape_of(const Value& value) {
  infer_types(model_);
  return *value.type.shape();
}

Model QdqGraph::finish(Value& y) {
  model_.graph->set_outputs_of_graph({&y});
  infer_types(model_);
  return std::move(model_);
}

}  // namespace qtool::testing
