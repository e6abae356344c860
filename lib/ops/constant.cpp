// Constant: its attribute. ConstantOfShape: the attribute's one element everywhere.
#include <cstring>

#include "ops/helpers/infer.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

Tensor constant_of_node(const Node& node) {
  if (const Tensor* value = node.tensor_attr("value")) return *value;
  if (node.attribute("value_float")) return Tensor::scalar(node.attr_or("value_float", 0.0f));
  if (node.attribute("value_int")) return Tensor::scalar(node.attr_or("value_int", int64_t{0}));
  if (node.attribute("value_floats")) {
    const auto list = node.attr_or("value_floats", std::vector<float>{});
    return Tensor::of<float>({std::ssize(list)}, list);
  }
  if (node.attribute("value_ints")) {
    const auto list = node.attr_or("value_ints", std::vector<int64_t>{});
    return Tensor::of<int64_t>({std::ssize(list)}, list);
  }
  if (const std::string* text = node.string_attr("value_string")) return Tensor::of_strings({}, {*text});
  throw unsupported("a Constant without a dense value");
}

void constant(const Node& node, TensorsIn, TensorsOut out) { out[0] = constant_of_node(node); }

TypeList infer_constant(const Node& node, const InferInput&) {
  if (node.attribute("sparse_value") || node.attribute("value_strings")) return outputs(node, {});
  const Tensor value = constant_of_node(node);
  return outputs(node, {ValueType::of(value.dtype(), value.shape())});
}

Tensor fill_value(const Node& node) {
  const Tensor* value = node.tensor_attr("value");
  if (!value) return Tensor::scalar(0.0f);
  require(value->size() == 1, "the value of ConstantOfShape must have one element");
  return *value;
}

void constant_of_shape(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor value = fill_value(node);
  Tensor y(value.dtype(), input(in, 0).to_ints());
  const size_t width = element_size(y.dtype());
  std::byte* to = y.mutable_bytes();
  for (int64_t i = 0; i < y.size(); ++i) std::memcpy(to + static_cast<size_t>(i) * width, value.bytes(), width);
  out[0] = std::move(y);
}

TypeList infer_constant_of_shape(const Node& node, const InferInput& in) {
  const DType dtype = fill_value(node).dtype();
  if (const auto shape = ints_of(in, 0)) return outputs(node, {ValueType::of(dtype, *shape)});
  const auto count = type_of(in, 0).shape();
  const bool usable = count && count->size() == 1 && (*count)[0] < 64;
  return outputs(node, {{dtype, usable ? Dims(unknown_dims(static_cast<size_t>((*count)[0]))) : std::nullopt}});
}

}  // namespace

extern const OpDef kConstant1{.name = "Constant", .infer = infer_constant, .eval = constant};
extern const OpDef kConstantOfShape9{.name = "ConstantOfShape", .since = 9, .infer = infer_constant_of_shape, .eval = constant_of_shape};

}  // namespace qtool
