#pragma once
// TensorProto <-> SealedTensor.

#include <string_view>

#include "onnxio/external_data.h"
#include "onnxio/proto.h"

namespace qtool::onnxio {

/// Takes elements, dims, type and external entries out of `tensor` (its name is the caller's); the rest is sealed. Element types
/// we cannot hold, and segments, are sealed whole: the tensor stays undefined. Throws Error(invalid_file): negative or absurd
/// dims, elements that are not as many as the dims say, in two places, or out of their type's range.
SealedTensor decode_tensor(onnx::TensorProto& tensor, ExternalData& external);

/// Name, dims, type and seal, no elements.
onnx::TensorProto tensor_head(const SealedTensor& tensor);

/// Whether the elements are written to raw_data (else to a typed field).
bool writes_raw(const SealedTensor& tensor);

/// The elements as raw_data or an external file holds them. `packed` keeps bytes that had to be made; else a view of the tensor.
std::string_view raw_bytes(const Tensor& tensor, std::string& packed);

/// head and elements.
onnx::TensorProto encode_tensor(const SealedTensor& tensor);

}  // namespace qtool::onnxio
