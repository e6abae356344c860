#include "onnxio/value_type.h"

namespace qtool::onnxio {
namespace {

constexpr int kLastDType = static_cast<int>(DType::int2);

DType dtype_of(int code) { return code > 0 && code <= kLastDType ? static_cast<DType>(code) : DType::undefined; }

Dim dim_of(const onnx::TensorShapeProto::Dimension& dim) {
  if (dim.has_dim_value()) return {dim.dim_value() < 0 ? -1 : dim.dim_value(), {}};
  return {-1, dim.dim_param()};
}

void write_dim(onnx::TensorShapeProto::Dimension& dim, const Dim& held) {
  if (dim_of(dim) == held) return;
  if (held.known())
    dim.set_dim_value(held.value);
  else if (!held.symbol.empty())
    dim.set_dim_param(held.symbol);
  else
    dim.clear_value();
}

bool dims_agree(const std::vector<Dim>& a, const std::vector<Dim>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (a[i].known() && b[i].known() && a[i].value != b[i].value) return false;
  return true;
}

}  // namespace

ValueType type_of(const onnx::TypeProto& type) {
  if (type.value_case() != onnx::TypeProto::kTensorType) return {};
  ValueType found{dtype_of(type.tensor_type().elem_type()), std::nullopt};
  if (!type.tensor_type().has_shape()) return found;
  found.dims.emplace();
  for (const auto& dim : type.tensor_type().shape().dim()) found.dims->push_back(dim_of(dim));
  return found;
}

bool agrees(const onnx::TypeProto& declared, const ValueType& held) {
  const ValueType found = type_of(declared);
  const bool dtypes = found.dtype == DType::undefined || held.dtype == DType::undefined || found.dtype == held.dtype;
  return dtypes && (!found.dims || !held.dims || dims_agree(*found.dims, *held.dims));
}

void write_type(onnx::TypeProto& type, const ValueType& held) {
  auto& tensor = *type.mutable_tensor_type();
  if (dtype_of(tensor.elem_type()) != held.dtype) tensor.set_elem_type(static_cast<int>(held.dtype));
  if (!held.dims) {
    tensor.clear_shape();
    return;
  }
  auto& shape = *tensor.mutable_shape();
  if (shape.dim_size() != static_cast<int>(held.dims->size())) shape.clear_dim();
  for (size_t i = 0; i < held.dims->size(); ++i) {
    const int index = static_cast<int>(i);
    write_dim(index < shape.dim_size() ? *shape.mutable_dim(index) : *shape.add_dim(), (*held.dims)[i]);
  }
}

onnx::ValueInfoProto value_info(const Sealed& sealed, const Value& value, bool exact) {
  auto info = unseal<onnx::ValueInfoProto>(sealed);
  if (info.name() != value.name()) info.set_name(value.name());
  const bool same = exact || !sealed ? type_of(info.type()) == value.type : agrees(info.type(), value.type);
  if (!same) write_type(*info.mutable_type(), value.type);
  return info;
}

}  // namespace qtool::onnxio
