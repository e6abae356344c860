#pragma once
// A dense, row-major tensor. Copies share the bytes; writing to shared bytes copies them first.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "base/error.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace qtool {

class Tensor {
 public:
  Tensor() = default;  ///< undefined: "omitted"
  /// Uninitialised elements. Throws Error(invalid_file) on absurd shapes.
  Tensor(DType dtype, Shape shape);
  /// Over bytes that exist; `bytes` must hold at least element_count x element_size. Strings: see of_strings.
  Tensor(DType dtype, Shape shape, std::shared_ptr<Buffer> bytes);

  template <class T>
  static Tensor of(Shape shape, const std::vector<T>& values);
  template <class T>
  static Tensor scalar(T value) {
    return of<T>({}, std::vector<T>{value});
  }
  static Tensor zeros(DType dtype, Shape shape);
  static Tensor of_strings(Shape shape, std::vector<std::string> values);

  bool defined() const { return dtype_ != DType::undefined; }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  size_t rank() const { return shape_.size(); }
  int64_t size() const { return size_; }  ///< elements
  size_t byte_size() const { return static_cast<size_t>(size_) * element_size(dtype_); }

  const std::byte* bytes() const { return buffer_ ? buffer_->data() : nullptr; }
  std::byte* mutable_bytes();  ///< copies first when the bytes are shared or read only
  const std::vector<std::string>& strings() const;

  /// The elements; throws Error(bug) when T is not the type held. 4-bit types are read as int8_t / uint8_t.
  template <class T>
  std::span<const T> data() const {
    check_type(DTypeOf<T>::value);
    return {reinterpret_cast<const T*>(bytes()), static_cast<size_t>(size_)};
  }
  template <class T>
  std::span<T> mutable_data() {
    check_type(DTypeOf<T>::value);
    return {reinterpret_cast<T*>(mutable_bytes()), static_cast<size_t>(size_)};
  }
  std::span<const float> floats() const { return data<float>(); }

  /// Same bytes, other shape of equal size.
  Tensor reshaped(Shape shape) const;
  /// Element-wise conversion, ONNX Cast semantics for numbers (float to int truncates, saturating only where C++ is undefined).
  Tensor cast(DType to) const;
  /// Element i as double / int64 whatever the numeric type.
  double number_at(int64_t i) const;
  /// All elements as int64 (an index or shape tensor of any integer type).
  std::vector<int64_t> to_ints() const;
  std::vector<float> to_floats() const;

  /// Same dtype, shape and bits.
  bool operator==(const Tensor& other) const;

 private:
  void check_type(DType wanted) const;
  DType dtype_ = DType::undefined;
  Shape shape_;
  int64_t size_ = 0;
  std::shared_ptr<Buffer> buffer_;
  std::shared_ptr<const std::vector<std::string>> strings_;
};

template <class T>
Tensor Tensor::of(Shape shape, const std::vector<T>& values) {
  Tensor tensor(DTypeOf<T>::value, std::move(shape));
  if (static_cast<size_t>(tensor.size()) != values.size()) throw bug("Tensor::of: wrong number of values");
  auto out = tensor.template mutable_data<T>();
  for (size_t i = 0; i < values.size(); ++i) out[i] = values[i];
  return tensor;
}

/// Calls f with a value of the C++ type of `dtype` (numbers, bool; 4/2-bit types as their byte); Error(unsupported) otherwise.
template <class F>
decltype(auto) dispatch(DType dtype, F&& f) {
  switch (dtype) {
    case DType::float32:
      return f(float{});
    case DType::float64:
      return f(double{});
    case DType::float16:
      return f(Float16{});
    case DType::bfloat16:
      return f(BFloat16{});
    case DType::int2:
    case DType::int4:
    case DType::int8:
      return f(int8_t{});
    case DType::uint2:
    case DType::uint4:
    case DType::uint8:
      return f(uint8_t{});
    case DType::int16:
      return f(int16_t{});
    case DType::uint16:
      return f(uint16_t{});
    case DType::int32:
      return f(int32_t{});
    case DType::uint32:
      return f(uint32_t{});
    case DType::int64:
      return f(int64_t{});
    case DType::uint64:
      return f(uint64_t{});
    case DType::boolean:
      return f(bool{});
    default:
      throw unsupported("type " + std::string(name_of(dtype)) + " is not supported here");
  }
}

}  // namespace qtool
