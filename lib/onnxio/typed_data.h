#pragma once
// The typed fields of TensorProto: float_data, int32_data, ...; which one holds a type is the ONNX specification's table.

#include <string>

#include "onnxio/proto.h"
#include "tensor/tensor.h"

namespace qtool::onnxio {

/// Names of the typed fields that hold anything, "float_data and int64_data"; empty when none does.
std::string filled_fields(const onnx::TensorProto& tensor);

/// Moves the elements of the typed field that belongs to `dtype` out. Throws Error(invalid_file) on a wrong number of them, or
/// one that does not fit the type.
Tensor take_typed(onnx::TensorProto& tensor, DType dtype, const Shape& shape);

void write_typed(onnx::TensorProto& message, const Tensor& tensor);

}  // namespace qtool::onnxio
