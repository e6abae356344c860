#include "onnxio/typed_data.h"

#include <cstring>
#include <limits>

#include "onnxio/packing.h"

namespace qtool::onnxio {
namespace {

using onnx::TensorProto;
template <class T>
using Repeated = google::protobuf::RepeatedField<T>;

[[noreturn]] void wrong_count(const char* field, size_t held, DType dtype, const Shape& shape, size_t needed) {
  throw invalid_file(std::string(field) + " holds " + std::to_string(held) + " values, " + to_string(shape) + " " +
                     std::string(name_of(dtype)) + " needs " + std::to_string(needed));
}

size_t count_of(const Shape& shape) { return static_cast<size_t>(element_count(shape)); }

/// A field whose elements lie as the tensor's do: the tensor keeps the field itself.
template <class T>
Tensor take_same(Repeated<T>& field, const char* name, DType dtype, const Shape& shape) {
  const size_t held = static_cast<size_t>(field.size()) * sizeof(T), needed = file_bytes(dtype, count_of(shape));
  if (held != needed) wrong_count(name, held / sizeof(T), dtype, shape, needed / sizeof(T));
  auto owner = std::make_shared<Repeated<T>>();
  owner->Swap(&field);
  return {dtype, shape, Buffer::borrow(owner->data(), needed, owner)};
}

/// A field of wider integers: `Low`..`High` are what an element may be, negative or not.
template <class To, class From>
Tensor take_narrow(Repeated<From>& field, const char* name, DType dtype, const Shape& shape, int64_t low, int64_t high) {
  const size_t needed = count_of(shape);
  if (static_cast<size_t>(field.size()) != needed) wrong_count(name, static_cast<size_t>(field.size()), dtype, shape, needed);
  Tensor tensor(dtype, shape);
  auto* out = reinterpret_cast<To*>(tensor.mutable_bytes());
  for (const From value : field) {
    const auto wide = static_cast<int64_t>(value);
    if (wide < low || wide > high || (std::is_unsigned_v<From> && wide < 0))
      throw invalid_file(std::string(name) + " holds " + std::to_string(value) + ", out of range for " + std::string(name_of(dtype)));
    *out++ = static_cast<To>(wide);
  }
  field.Clear();
  return tensor;
}

Tensor take_packed(Repeated<int32_t>& field, DType dtype, const Shape& shape) {
  const size_t needed = file_bytes(dtype, count_of(shape));
  if (static_cast<size_t>(field.size()) != needed) wrong_count("int32_data", static_cast<size_t>(field.size()), dtype, shape, needed);
  std::string bytes;
  for (const int32_t value : field) {
    if (value < 0 || value > 255) throw invalid_file("int32_data holds " + std::to_string(value) + ", expected a byte of packed elements");
    bytes.push_back(static_cast<char>(value));
  }
  field.Clear();
  Tensor tensor(dtype, shape);
  unpack(dtype, reinterpret_cast<const std::byte*>(bytes.data()), count_of(shape), tensor.mutable_bytes());
  return tensor;
}

Tensor take_strings(TensorProto& tensor, const Shape& shape) {
  const size_t needed = count_of(shape), held = static_cast<size_t>(tensor.string_data_size());
  if (held != needed) wrong_count("string_data", held, DType::string, shape, needed);
  std::vector<std::string> values;
  for (auto& value : *tensor.mutable_string_data()) values.push_back(std::move(value));
  tensor.clear_string_data();
  return Tensor::of_strings(shape, std::move(values));
}

template <class T, class Field>
void append_as(Field& field, const Tensor& tensor) {
  const auto* values = reinterpret_cast<const T*>(tensor.bytes());
  field.Reserve(static_cast<int>(tensor.size()));
  for (int64_t i = 0; i < tensor.size(); ++i) field.Add(values[i]);
}

template <class T>
void append_same(Repeated<T>& field, const Tensor& tensor) {
  const size_t count = tensor.byte_size() / sizeof(T);
  field.Resize(static_cast<int>(count), T{});
  if (count != 0) std::memcpy(field.mutable_data(), tensor.bytes(), count * sizeof(T));
}

void append_packed(Repeated<int32_t>& field, const Tensor& tensor) {
  for (const char byte : pack(tensor.dtype(), tensor.bytes(), static_cast<size_t>(tensor.size())))
    field.Add(static_cast<unsigned char>(byte));
}

}  // namespace

std::string filled_fields(const TensorProto& tensor) {
  const std::pair<const char*, int> sizes[] = {
      {"float_data", tensor.float_data_size()}, {"int32_data", tensor.int32_data_size()},   {"string_data", tensor.string_data_size()},
      {"int64_data", tensor.int64_data_size()}, {"double_data", tensor.double_data_size()}, {"uint64_data", tensor.uint64_data_size()},
  };
  std::string names;
  for (const auto& [name, size] : sizes)
    if (size != 0) names += (names.empty() ? "" : " and ") + std::string(name);
  return names;
}

Tensor take_typed(TensorProto& tensor, DType dtype, const Shape& shape) {
  auto& int32_data = *tensor.mutable_int32_data();
  switch (dtype) {
    case DType::float32:
    case DType::complex64:
      return take_same(*tensor.mutable_float_data(), "float_data", dtype, shape);
    case DType::float64:
    case DType::complex128:
      return take_same(*tensor.mutable_double_data(), "double_data", dtype, shape);
    case DType::int64:
      return take_same(*tensor.mutable_int64_data(), "int64_data", dtype, shape);
    case DType::uint64:
      return take_same(*tensor.mutable_uint64_data(), "uint64_data", dtype, shape);
    case DType::uint32:
      return take_narrow<uint32_t>(*tensor.mutable_uint64_data(), "uint64_data", dtype, shape, 0, 0xffffffff);
    case DType::int32:
      return take_same(int32_data, "int32_data", dtype, shape);
    case DType::int16:
      return take_narrow<int16_t>(int32_data, "int32_data", dtype, shape, -32768, 32767);
    case DType::int8:
      return take_narrow<int8_t>(int32_data, "int32_data", dtype, shape, -128, 127);
    case DType::boolean:
      return take_narrow<uint8_t>(int32_data, "int32_data", dtype, shape, 0, 1);
    case DType::uint16:
    case DType::float16:
    case DType::bfloat16:
      return take_narrow<uint16_t>(int32_data, "int32_data", dtype, shape, 0, 0xffff);
    case DType::string:
      return take_strings(tensor, shape);
    default:
      break;
  }
  if (is_packed(dtype)) return take_packed(int32_data, dtype, shape);
  return take_narrow<uint8_t>(int32_data, "int32_data", dtype, shape, 0, 0xff);  // uint8, float8
}

void write_typed(TensorProto& message, const Tensor& tensor) {
  switch (tensor.dtype()) {
    case DType::float32:
    case DType::complex64:
      return append_same(*message.mutable_float_data(), tensor);
    case DType::float64:
    case DType::complex128:
      return append_same(*message.mutable_double_data(), tensor);
    case DType::int64:
      return append_same(*message.mutable_int64_data(), tensor);
    case DType::uint64:
      return append_same(*message.mutable_uint64_data(), tensor);
    case DType::uint32:
      return append_as<uint32_t>(*message.mutable_uint64_data(), tensor);
    case DType::int32:
      return append_same(*message.mutable_int32_data(), tensor);
    case DType::int16:
      return append_as<int16_t>(*message.mutable_int32_data(), tensor);
    case DType::int8:
      return append_as<int8_t>(*message.mutable_int32_data(), tensor);
    case DType::uint16:
    case DType::float16:
    case DType::bfloat16:
      return append_as<uint16_t>(*message.mutable_int32_data(), tensor);
    case DType::string:
      for (const std::string& value : tensor.strings()) message.add_string_data(value);
      return;
    default:
      break;
  }
  if (is_packed(tensor.dtype())) return append_packed(*message.mutable_int32_data(), tensor);
  append_as<uint8_t>(*message.mutable_int32_data(), tensor);
}

}  // namespace qtool::onnxio
