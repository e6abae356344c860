#pragma once
// What most infer functions are made of. Dimensions not known stay unknown; what contradicts throws Error(invalid_file).

#include <optional>
#include <vector>

#include "ops/op_def.h"

namespace qtool {

using Dims = std::optional<std::vector<Dim>>;  ///< nothing: rank unknown
using TypeList = std::vector<ValueType>;

inline Dim known(int64_t value) { return {.value = value, .symbol = {}}; }

/// Type of input i; unknown where it is omitted.
const ValueType& type_of(const InferInput& in, size_t i);
inline DType dtype_of(const InferInput& in, size_t i) { return type_of(in, i).dtype; }
inline const Dims& dims_of(const InferInput& in, size_t i) { return type_of(in, i).dims; }
/// Value of input i where it is known, else null.
const Tensor* constant_of(const InferInput& in, size_t i);
/// The same as integers.
std::optional<std::vector<int64_t>> ints_of(const InferInput& in, size_t i);
bool present(const Node& node, size_t i);

/// `count` unknown dimensions.
std::vector<Dim> unknown_dims(size_t count);
std::vector<Dim> known_dims(const Shape& shape);
Dims broadcast(const Dims& a, const Dims& b);
/// Product, known when every factor is (or one is 0).
Dim product(const std::vector<Dim>& dims, size_t begin, size_t end);
Dim sum(const Dim& a, const Dim& b);

/// As many types as the node has outputs: the given ones, then unknown.
TypeList outputs(const Node& node, TypeList types);

TypeList infer_unknown(const Node& node, const InferInput& in);    ///< nothing known
TypeList infer_same(const Node& node, const InferInput& in);       ///< output 0 as input 0
TypeList infer_dtype(const Node& node, const InferInput& in);      ///< output 0 has input 0's dtype, any shape
TypeList infer_broadcast(const Node& node, const InferInput& in);  ///< all inputs broadcast, dtype of input 0
TypeList infer_compare(const Node& node, const InferInput& in);    ///< all inputs broadcast to boolean
TypeList infer_test(const Node& node, const InferInput& in);       ///< boolean of input 0's shape

}  // namespace qtool
