#include "exec/cluster/element_wise.h"

#include <algorithm>
#include <array>

#include "exec/cluster/quantized.h"
#include "ops/op_def.h"

namespace qtool {
namespace {

constexpr std::array<std::string_view, 6> kScalarBinary{"Add", "Sub", "Mul", "Div", "Pow", "PRelu"};

std::optional<std::vector<Dim>> dims_of(const Value& value) {
  if (const Tensor* tensor = value.constant()) return ValueType::of(tensor->dtype(), tensor->shape()).dims;
  return value.type.dims;
}

bool fits(const Dim& operand, const Dim& y) {
  if (operand.value == 1 || operand == y) return true;
  if (operand.known() && y.known()) return false;
  return y.value != 1;
}

bool is_scalar_constant(const Value* value) {
  const Tensor* tensor = value ? value->constant() : nullptr;
  return tensor && tensor->size() == 1 && tensor->dtype() == DType::float32;
}

bool others_are_scalar_constants(const Node& node, size_t data) {
  for (size_t i = 0; i < node.input_count(); ++i)
    if (i != data && node.in(i) && !is_scalar_constant(node.in(i))) return false;
  return true;
}

/// A scalar of higher rank than the data would raise the rank of the result.
bool keeps_rank(const Value& scalar, const Value& data) {
  const size_t rank = scalar.constant()->rank();
  const auto dims = dims_of(data);
  return rank == 0 || (dims && dims->size() >= rank);
}

std::optional<size_t> scalar_binary_data(const Node& node) {
  if (node.input_count() != 2 || !node.in(0) || !node.in(1)) return std::nullopt;
  for (const size_t data : {size_t{0}, size_t{1}}) {
    if (data == 1 && node.op == "PRelu") break;
    const Value& scalar = *node.in(1 - data);
    if (!node.in(data)->constant() && is_scalar_constant(&scalar) && keeps_rank(scalar, *node.in(data))) return data;
  }
  return std::nullopt;
}

bool is_element_wise(const OpDef& op) {
  if (op.quant.kind == QuantTraits::Kind::lut) return true;
  return op.quant.kind == QuantTraits::Kind::fixed_output && op.name != "Softmax" && op.name != "LogSoftmax" && op.name != "Hardmax";
}

}  // namespace

bool may_be_float32(const Value& value) {
  const DType dtype = dtype_of(value);
  return dtype == DType::float32 || dtype == DType::undefined;
}

bool broadcasts_into(const Value& operand, const Value& y) {
  const auto from = dims_of(operand), to = dims_of(y);
  if (!from || !to || from->size() > to->size()) return false;
  return std::equal(from->rbegin(), from->rend(), to->rbegin(), fits);
}

std::optional<size_t> unary_data_input(const Model& model, const Node& node) {
  const OpDef* op = find_op(model, node);
  if (!op || node.output_count() != 1 || !node.out(0)) return std::nullopt;
  if (std::find(kScalarBinary.begin(), kScalarBinary.end(), node.op) != kScalarBinary.end() && node.domain.empty())
    return scalar_binary_data(node);
  if (!is_element_wise(*op) || !node.in(0) || !others_are_scalar_constants(node, 0)) return std::nullopt;
  return 0;
}

}  // namespace qtool
