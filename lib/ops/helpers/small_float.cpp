#include "ops/helpers/small_float.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace qtool {
namespace {

/// Sign, `exponent_bits`, `mantissa_bits`; value (-1)^s * 2^(e - bias) * 1.m. "fn": no infinity; "uz": no negative zero, whose
/// code is the NaN.
struct Format {
  int exponent_bits, mantissa_bits, bias;
  bool infinity, negative_zero, nan;
};

Format format_of(DType dtype) {
  switch (dtype) {
    case DType::float8e4m3fn:
      return {4, 3, 7, false, true, true};
    case DType::float8e4m3fnuz:
      return {4, 3, 8, false, false, true};
    case DType::float8e5m2:
      return {5, 2, 15, true, true, true};
    case DType::float8e5m2fnuz:
      return {5, 2, 16, false, false, true};
    case DType::float4e2m1:
      return {2, 1, 1, false, true, false};
    default:
      throw unsupported("type " + std::string(name_of(dtype)) + " is not supported here");
  }
}

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

float decode(uint8_t bits, const Format& f) {
  const int width = f.exponent_bits + f.mantissa_bits, mantissa = bits & ((1 << f.mantissa_bits) - 1);
  const int exponent = bits >> f.mantissa_bits & ((1 << f.exponent_bits) - 1), top = (1 << f.exponent_bits) - 1;
  const bool negative = bits >> width & 1;
  if (!f.negative_zero && bits == 1 << width) return kNan;
  if (f.infinity && exponent == top) return mantissa != 0 ? kNan : negative ? -kInfinity : kInfinity;
  if (f.nan && f.negative_zero && !f.infinity && exponent == top && mantissa == (1 << f.mantissa_bits) - 1) return kNan;
  const float fraction = std::ldexp(static_cast<float>(mantissa), -f.mantissa_bits);
  const float magnitude = exponent == 0 ? std::ldexp(fraction, 1 - f.bias) : std::ldexp(1 + fraction, exponent - f.bias);
  return negative ? -magnitude : magnitude;
}

/// Codes of the finite magnitudes, ascending: 0, 1, 2, ... up to `last`.
struct Table {
  std::vector<float> magnitudes;
  explicit Table(const Format& f) {
    for (int code = 0; code < 1 << (f.exponent_bits + f.mantissa_bits); ++code) {
      const float value = decode(static_cast<uint8_t>(code), f);
      if (!std::isfinite(value)) break;
      magnitudes.push_back(value);
    }
  }
};

const Table& table_of(DType dtype) {
  static const std::array<Table, 5> tables{Table(format_of(DType::float8e4m3fn)), Table(format_of(DType::float8e4m3fnuz)),
                                           Table(format_of(DType::float8e5m2)), Table(format_of(DType::float8e5m2fnuz)),
                                           Table(format_of(DType::float4e2m1))};
  return dtype == DType::float4e2m1 ? tables[4] : tables[static_cast<size_t>(dtype) - static_cast<size_t>(DType::float8e4m3fn)];
}

/// Index of the nearest magnitude, ties to the even code; one past the last where it rounds beyond.
size_t nearest(const std::vector<float>& magnitudes, double magnitude) {
  size_t above = 0;
  while (above < magnitudes.size() && magnitudes[above] < magnitude) ++above;
  if (above == 0) return 0;
  const double below = magnitudes[above - 1];
  const double step = above >= 2 ? below - magnitudes[above - 2] : below;
  const double next = above < magnitudes.size() ? magnitudes[above] : below + step;
  const double middle = (below + next) / 2;
  if (magnitude < middle || (magnitude == middle && (above - 1) % 2 == 0)) return above - 1;
  return above;
}

uint8_t not_a_number(const Format& f, bool negative) {
  const int width = f.exponent_bits + f.mantissa_bits;
  if (!f.nan) return 0;
  if (!f.negative_zero) return static_cast<uint8_t>(1 << width);
  return static_cast<uint8_t>((negative ? 1 << width : 0) | ((1 << width) - 1));
}

uint8_t beyond(const Format& f, size_t last, bool negative, bool saturate) {
  const int sign = negative ? 1 << (f.exponent_bits + f.mantissa_bits) : 0;
  if (saturate || !f.nan) return static_cast<uint8_t>(sign | static_cast<int>(last));
  if (f.infinity) return static_cast<uint8_t>(sign | static_cast<int>(last + 1));
  return not_a_number(f, negative);
}

/// Powers of two from 2^-127 to 2^127; 255 is NaN.
uint8_t encode_e8m0(float value, bool saturate, PowerRounding toward) {
  if (std::isnan(value) || value < 0) return 255;
  if (!saturate && (value == 0 || std::isinf(value))) return 255;
  if (value == 0) return 0;
  if (std::isinf(value)) return 254;
  int exponent = 0;
  const double fraction = 2 * std::frexp(static_cast<double>(value), &exponent);  // [1, 2) * 2^(exponent - 1)
  const bool up = toward == PowerRounding::up ? fraction > 1 : toward == PowerRounding::nearest && fraction >= 1.5;
  return static_cast<uint8_t>(std::clamp(exponent - 1 + up + 127, 0, 254));
}

float decode_e8m0(uint8_t bits) { return bits == 255 ? kNan : std::ldexp(1.0f, bits - 127); }

}  // namespace

bool is_small_float(DType dtype) {
  return (dtype >= DType::float8e4m3fn && dtype <= DType::float8e5m2fnuz) || dtype == DType::float4e2m1 || dtype == DType::float8e8m0;
}

float decode_small_float(uint8_t bits, DType dtype) {
  return dtype == DType::float8e8m0 ? decode_e8m0(bits) : decode(bits, format_of(dtype));
}

uint8_t encode_small_float(float value, DType dtype, bool saturate, PowerRounding toward) {
  if (dtype == DType::float8e8m0) return encode_e8m0(value, saturate, toward);
  const Format f = format_of(dtype);
  const bool negative = std::signbit(value);
  if (std::isnan(value)) return not_a_number(f, negative);
  const std::vector<float>& magnitudes = table_of(dtype).magnitudes;
  const size_t last = magnitudes.size() - 1;
  const size_t code = std::isinf(value) ? last + 1 : nearest(magnitudes, std::fabs(static_cast<double>(value)));
  if (code > last) return beyond(f, last, negative, saturate);
  if (code == 0 && !f.negative_zero) return 0;
  return static_cast<uint8_t>((negative ? 1 << (f.exponent_bits + f.mantissa_bits) : 0) | static_cast<int>(code));
}

std::vector<float> from_small_float(const Tensor& tensor) {
  std::vector<float> values;
  values.reserve(static_cast<size_t>(tensor.size()));
  const auto* bits = reinterpret_cast<const uint8_t*>(tensor.bytes());
  for (int64_t i = 0; i < tensor.size(); ++i) values.push_back(decode_small_float(bits[i], tensor.dtype()));
  return values;
}

Tensor to_small_float(const std::vector<float>& values, const Shape& shape, DType dtype, bool saturate, PowerRounding toward) {
  if (!is_small_float(dtype)) throw unsupported("quantizing to " + std::string(name_of(dtype)));
  Tensor out(dtype, shape);
  auto* bits = reinterpret_cast<uint8_t*>(out.mutable_bytes());
  for (size_t i = 0; i < values.size(); ++i) bits[i] = encode_small_float(values[i], dtype, saturate, toward);
  return out;
}

}  // namespace qtool
