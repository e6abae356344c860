#include "ops/helpers/infer.h"

namespace qtool {

const ValueType& type_of(const InferInput& in, size_t i) {
  static const ValueType kUnknown;
  return i < in.types.size() ? in.types[i] : kUnknown;
}

const Tensor* constant_of(const InferInput& in, size_t i) { return i < in.constants.size() ? in.constants[i] : nullptr; }

std::optional<std::vector<int64_t>> ints_of(const InferInput& in, size_t i) {
  const Tensor* tensor = constant_of(in, i);
  if (!tensor || !is_integer(tensor->dtype())) return std::nullopt;
  return tensor->to_ints();
}

bool present(const Node& node, size_t i) { return node.in(i) != nullptr; }

std::vector<Dim> unknown_dims(size_t count) { return std::vector<Dim>(count); }

std::vector<Dim> known_dims(const Shape& shape) {
  std::vector<Dim> dims;
  for (const int64_t value : shape) dims.push_back(known(value));
  return dims;
}

namespace {

Dim broadcast_dim(const Dim& a, const Dim& b) {
  if (a == b) return a;
  if (a.value == 1) return b;
  if (b.value == 1) return a;
  if (a.known() && b.known())
    throw invalid_file("dimensions " + std::to_string(a.value) + " and " + std::to_string(b.value) + " do not broadcast");
  if (a.known()) return a;
  if (b.known()) return b;
  return {};
}

Dims broadcast_all(const Node& node, const InferInput& in) {
  Dims dims = std::vector<Dim>{};
  for (size_t i = 0; i < node.input_count(); ++i)
    if (present(node, i)) dims = broadcast(dims, dims_of(in, i));
  return dims;
}

}  // namespace

Dims broadcast(const Dims& a, const Dims& b) {
  if (!a || !b) return std::nullopt;
  const std::vector<Dim>& longer = a->size() >= b->size() ? *a : *b;
  const std::vector<Dim>& shorter = a->size() >= b->size() ? *b : *a;
  std::vector<Dim> dims = longer;
  const size_t shift = longer.size() - shorter.size();
  for (size_t d = 0; d < shorter.size(); ++d) dims[shift + d] = broadcast_dim(longer[shift + d], shorter[d]);
  return dims;
}

Dim product(const std::vector<Dim>& dims, size_t begin, size_t end) {
  if (end - begin == 1) return dims[begin];
  Shape shape;
  for (size_t d = begin; d < end; ++d) {
    if (dims[d].value == 0) return known(0);
    shape.push_back(dims[d].value);
  }
  for (const int64_t value : shape)
    if (value < 0) return {};
  return known(element_count(shape));
}

Dim sum(const Dim& a, const Dim& b) { return a.known() && b.known() ? known(a.value + b.value) : Dim{}; }

TypeList outputs(const Node& node, TypeList types) {
  types.resize(node.output_count());
  return types;
}

TypeList infer_unknown(const Node& node, const InferInput&) { return outputs(node, {}); }
TypeList infer_same(const Node& node, const InferInput& in) { return outputs(node, {type_of(in, 0)}); }
TypeList infer_dtype(const Node& node, const InferInput& in) { return outputs(node, {{dtype_of(in, 0), {}}}); }
TypeList infer_broadcast(const Node& node, const InferInput& in) { return outputs(node, {{dtype_of(in, 0), broadcast_all(node, in)}}); }
TypeList infer_compare(const Node& node, const InferInput& in) { return outputs(node, {{DType::boolean, broadcast_all(node, in)}}); }
TypeList infer_test(const Node& node, const InferInput& in) { return outputs(node, {{DType::boolean, dims_of(in, 0)}}); }

}  // namespace qtool
