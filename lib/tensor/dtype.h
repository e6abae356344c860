#pragma once
// Element types: ONNX's TensorProto.DataType, same numbers.

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace qtool {

enum class DType : int {
  undefined = 0,
  float32 = 1,
  uint8 = 2,
  int8 = 3,
  uint16 = 4,
  int16 = 5,
  int32 = 6,
  int64 = 7,
  string = 8,
  boolean = 9,
  float16 = 10,
  float64 = 11,
  uint32 = 12,
  uint64 = 13,
  complex64 = 14,
  complex128 = 15,
  bfloat16 = 16,
  float8e4m3fn = 17,
  float8e4m3fnuz = 18,
  float8e5m2 = 19,
  float8e5m2fnuz = 20,
  uint4 = 21,
  int4 = 22,
  float4e2m1 = 23,
  float8e8m0 = 24,
  uint2 = 25,
  int2 = 26,
};

/// Storage types of what C++ has no name for. 4-bit and 2-bit elements are held unpacked, one a byte, sign-extended.
struct Float16 {
  uint16_t bits = 0;
  bool operator==(const Float16&) const = default;
};
struct BFloat16 {
  uint16_t bits = 0;
  bool operator==(const BFloat16&) const = default;
};

float to_float(Float16 value);
float to_float(BFloat16 value);
Float16 to_float16(float value);    ///< ties to even, overflow to infinity (IEEE 754)
BFloat16 to_bfloat16(float value);  ///< ties to even

/// Bytes of one element as a Tensor holds it; 0 for string and undefined.
size_t element_size(DType dtype);
/// "float32", "uint8", ...; the word used in JSON, logs and errors.
std::string_view name_of(DType dtype);
/// The DType of a name, or nothing.
std::optional<DType> dtype_named(std::string_view name);

bool is_integer(DType dtype);   ///< int2..uint64, not boolean
bool is_signed(DType dtype);    ///< signed integers
bool is_floating(DType dtype);  ///< float32, float64, float16, bfloat16, float8*, float4
/// Bits of an integer dtype (int4 -> 4).
int bit_width(DType dtype);

template <class T>
struct DTypeOf;
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::float32;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::float64;
};
template <>
struct DTypeOf<Float16> {
  static constexpr DType value = DType::float16;
};
template <>
struct DTypeOf<BFloat16> {
  static constexpr DType value = DType::bfloat16;
};
template <>
struct DTypeOf<int8_t> {
  static constexpr DType value = DType::int8;
};
template <>
struct DTypeOf<uint8_t> {
  static constexpr DType value = DType::uint8;
};
template <>
struct DTypeOf<int16_t> {
  static constexpr DType value = DType::int16;
};
template <>
struct DTypeOf<uint16_t> {
  static constexpr DType value = DType::uint16;
};
template <>
struct DTypeOf<int32_t> {
  static constexpr DType value = DType::int32;
};
template <>
struct DTypeOf<uint32_t> {
  static constexpr DType value = DType::uint32;
};
template <>
struct DTypeOf<int64_t> {
  static constexpr DType value = DType::int64;
};
template <>
struct DTypeOf<uint64_t> {
  static constexpr DType value = DType::uint64;
};
template <>
struct DTypeOf<bool> {
  static constexpr DType value = DType::boolean;
};

}  // namespace qtool
