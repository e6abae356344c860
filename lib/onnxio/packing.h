#pragma once
// Elements narrower than a byte: in files the first one lies in the low bits, the last byte is filled with zeros (ONNX
// TensorProto.raw_data); a Tensor holds one a byte, signed ones sign-extended.

#include <cstddef>
#include <string>

#include "tensor/dtype.h"

namespace qtool::onnxio {

/// Bits of one element in a file: 2, 4, or 8 times the bytes in memory (0 for strings).
int file_bits(DType dtype);
/// Bytes that `count` elements take in a file.
size_t file_bytes(DType dtype, size_t count);
inline bool is_packed(DType dtype) { return file_bits(dtype) == 2 || file_bits(dtype) == 4; }

/// Reads `count` elements of a packed type from file_bytes() bytes.
void unpack(DType dtype, const std::byte* in, size_t count, std::byte* out);
std::string pack(DType dtype, const std::byte* in, size_t count);

}  // namespace qtool::onnxio
