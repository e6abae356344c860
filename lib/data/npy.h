#pragma once
// NumPy's .npy format, versions 1.0 to 3.0 (numpy.lib.format), little-endian.

#include <functional>
#include <string>
#include <string_view>

#include "data/byte_source.h"
#include "tensor/tensor.h"

namespace qtool {

/// The text in front of the array: {'descr': '<f4', 'fortran_order': False, 'shape': (1, 28, 28), }.
struct NpyHeader {
  std::string descr;
  bool fortran_order = false;
  Shape shape;
};

/// Reads magic, version and header text. Structured types, pickled objects and anything that is no literal dictionary of
/// exactly these three keys are Error(invalid_file).
NpyHeader read_npy_header(ByteStream& stream);
/// The dictionary alone.
NpyHeader parse_npy_header(std::string_view text);

/// "<f4" -> float32; Error(invalid_file) for types without an ONNX counterpart and for big-endian data.
DType dtype_of_descr(const std::string& descr);
/// Type in which an array of `dtype` is stored: itself, or for types that numpy lacks the unsigned integer of as many bits
/// (bfloat16 -> uint16, float8* -> uint8, 4-bit and 2-bit types -> uint8 holding the unpacked bit pattern).
DType stored_type(DType dtype);

/// Called with type and shape before memory is allocated; throws to refuse the array.
using ArrayCheck = std::function<void(DType, const Shape&)>;

/// The array, in row-major order. The bytes left in the stream must be exactly those of the header's shape.
Tensor read_npy(ByteStream& stream, const ArrayCheck& check = {});
/// The one string of an array of type U or S (at most 64 characters, ASCII).
std::string read_npy_text(ByteStream& stream);

/// `tensor` as its stored_type; shares the bytes where that is the same.
Tensor as_stored(const Tensor& tensor);
/// What stands before the bytes of as_stored(tensor) in a version 1.0 file; Error(unsupported) for strings. A multiple of 64 bytes.
std::string npy_prefix(const Tensor& tensor);
/// An ASCII string as an array of type U and shape ().
std::string npy_text_bytes(std::string_view text);

}  // namespace qtool
