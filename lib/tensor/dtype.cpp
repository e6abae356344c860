#include "tensor/dtype.h"

#include <array>

namespace qtool {
namespace {

struct Row {
  DType dtype;
  std::string_view name;
  size_t bytes;
  int bits;
};

constexpr std::array kRows{
    Row{DType::undefined, "undefined", 0, 0},
    Row{DType::float32, "float32", 4, 32},
    Row{DType::uint8, "uint8", 1, 8},
    Row{DType::int8, "int8", 1, 8},
    Row{DType::uint16, "uint16", 2, 16},
    Row{DType::int16, "int16", 2, 16},
    Row{DType::int32, "int32", 4, 32},
    Row{DType::int64, "int64", 8, 64},
    Row{DType::string, "string", 0, 0},
    Row{DType::boolean, "bool", 1, 1},
    Row{DType::float16, "float16", 2, 16},
    Row{DType::float64, "float64", 8, 64},
    Row{DType::uint32, "uint32", 4, 32},
    Row{DType::uint64, "uint64", 8, 64},
    Row{DType::complex64, "complex64", 8, 64},
    Row{DType::complex128, "complex128", 16, 128},
    Row{DType::bfloat16, "bfloat16", 2, 16},
    Row{DType::float8e4m3fn, "float8e4m3fn", 1, 8},
    Row{DType::float8e4m3fnuz, "float8e4m3fnuz", 1, 8},
    Row{DType::float8e5m2, "float8e5m2", 1, 8},
    Row{DType::float8e5m2fnuz, "float8e5m2fnuz", 1, 8},
    Row{DType::uint4, "uint4", 1, 4},
    Row{DType::int4, "int4", 1, 4},
    Row{DType::float4e2m1, "float4e2m1", 1, 4},
    Row{DType::float8e8m0, "float8e8m0", 1, 8},
    Row{DType::uint2, "uint2", 1, 2},
    Row{DType::int2, "int2", 1, 2},
};

const Row& row(DType dtype) {
  const auto index = static_cast<size_t>(dtype);
  return index < kRows.size() ? kRows[index] : kRows[0];
}

}  // namespace

size_t element_size(DType dtype) { return row(dtype).bytes; }
std::string_view name_of(DType dtype) { return row(dtype).name; }
int bit_width(DType dtype) { return row(dtype).bits; }

std::optional<DType> dtype_named(std::string_view name) {
  for (const Row& candidate : kRows)
    if (candidate.name == name) return candidate.dtype;
  return std::nullopt;
}

bool is_signed(DType dtype) {
  switch (dtype) {
    case DType::int2:
    case DType::int4:
    case DType::int8:
    case DType::int16:
    case DType::int32:
    case DType::int64:
      return true;
    default:
      return false;
  }
}

bool is_integer(DType dtype) {
  switch (dtype) {
    case DType::uint2:
    case DType::uint4:
    case DType::uint8:
    case DType::uint16:
    case DType::uint32:
    case DType::uint64:
      return true;
    default:
      return is_signed(dtype);
  }
}

bool is_floating(DType dtype) {
  switch (dtype) {
    case DType::float32:
    case DType::float64:
    case DType::float16:
    case DType::bfloat16:
    case DType::float8e4m3fn:
    case DType::float8e4m3fnuz:
    case DType::float8e5m2:
    case DType::float8e5m2fnuz:
    case DType::float4e2m1:
    case DType::float8e8m0:
      return true;
    default:
      return false;
  }
}

float to_float(BFloat16 value) { return std::bit_cast<float>(static_cast<uint32_t>(value.bits) << 16); }

BFloat16 to_bfloat16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value)) return {static_cast<uint16_t>((bits >> 16) | 0x40)};
  return {static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)};
}

float to_float(Float16 value) {
  const uint32_t sign = static_cast<uint32_t>(value.bits & 0x8000) << 16;
  const uint32_t exponent = (value.bits >> 10) & 31, mantissa = value.bits & 1023;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000 | mantissa << 13);
  if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
  const float magnitude = std::ldexp(static_cast<float>(mantissa), -24);
  return sign ? -magnitude : magnitude;
}

Float16 to_float16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  const float magnitude = std::fabs(value);
  if (std::isnan(value)) return {static_cast<uint16_t>(sign | 0x7e00)};
  if (magnitude >= 65520.0f) return {static_cast<uint16_t>(sign | 0x7c00)};
  if (magnitude < 0x1p-14f)  // subnormal: adding 0.5 leaves the rounded mantissa in the low bits
    return {static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(magnitude + 0.5f) - std::bit_cast<uint32_t>(0.5f)))};
  const uint32_t rounded = (bits & 0x7fffffff) + 0xfff + (bits >> 13 & 1);
  return {static_cast<uint16_t>(sign | ((rounded >> 13) - (112 << 10)))};
}

}  // namespace qtool
