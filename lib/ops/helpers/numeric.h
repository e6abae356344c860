#pragma once
// Arithmetic on elements: the type it happens in, dispatch over families of types, and conversion of whole tensors.

#include <span>
#include <type_traits>
#include <vector>

#include "ops/op_def.h"

namespace qtool {

/// The type arithmetic on a stored T happens in: float for the 16-bit floats, else T itself.
template <class T>
struct WideOf {
  using type = T;
};
template <>
struct WideOf<Float16> {
  using type = float;
};
template <>
struct WideOf<BFloat16> {
  using type = float;
};
template <class T>
using Wide = typename WideOf<T>::type;

template <class T>
Wide<T> widen(T value) {
  if constexpr (std::is_same_v<T, Wide<T>>)
    return value;
  else
    return to_float(value);
}

template <class T>
T narrow(Wide<T> value) {
  if constexpr (std::is_same_v<T, Float16>)
    return to_float16(value);
  else if constexpr (std::is_same_v<T, BFloat16>)
    return to_bfloat16(value);
  else
    return value;
}

template <class T>
inline constexpr bool kIsReal = std::is_floating_point_v<Wide<T>>;

[[noreturn]] void refuse_type(DType dtype);

/// f(T{}) for float32, float64, float16, bfloat16.
template <class F>
decltype(auto) dispatch_real(DType dtype, F&& f) {
  switch (dtype) {
    case DType::float32:
      return f(float{});
    case DType::float64:
      return f(double{});
    case DType::float16:
      return f(Float16{});
    case DType::bfloat16:
      return f(BFloat16{});
    default:
      refuse_type(dtype);
  }
}

/// f(T{}) for the integers of 8 bits and more.
template <class F>
decltype(auto) dispatch_integer(DType dtype, F&& f) {
  switch (dtype) {
    case DType::int8:
      return f(int8_t{});
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
    default:
      refuse_type(dtype);
  }
}

/// Reals and integers, not boolean.
template <class F>
decltype(auto) dispatch_number(DType dtype, F&& f) {
  return is_integer(dtype) ? dispatch_integer(dtype, f) : dispatch_real(dtype, f);
}

/// f(T{}) for the unsigned type as wide as an element of `dtype`, for operators that only move bytes.
template <class F>
decltype(auto) dispatch_width(DType dtype, F&& f) {
  switch (element_size(dtype)) {
    case 1:
      return f(uint8_t{});
    case 2:
      return f(uint16_t{});
    case 4:
      return f(uint32_t{});
    case 8:
      return f(uint64_t{});
    default:
      refuse_type(dtype);
  }
}

template <class T>
const T* elements(const Tensor& tensor) {
  return reinterpret_cast<const T*>(tensor.bytes());
}
template <class T>
T* elements(Tensor& tensor) {
  return reinterpret_cast<T*>(tensor.mutable_bytes());
}

/// Every element as double, and back, rounded once to `dtype`.
std::vector<double> to_doubles(const Tensor& tensor);
Tensor from_doubles(DType dtype, const Shape& shape, std::span<const double> values);

/// Input i, or an undefined tensor where it is omitted.
const Tensor& optional_input(TensorsIn in, size_t i);
/// Input i; Error(invalid_file) where it is omitted.
const Tensor& input(TensorsIn in, size_t i);
/// Assigns output i where the node has it.
void assign(TensorsOut out, size_t i, Tensor value);
/// Throws Error(invalid_file) with `message` unless `ok`.
void require(bool ok, const char* message);

}  // namespace qtool
