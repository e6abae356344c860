#include "onnxio/packing.h"

namespace qtool::onnxio {

int file_bits(DType dtype) {
  switch (dtype) {
    case DType::uint4:
    case DType::int4:
    case DType::float4e2m1:
      return 4;
    case DType::uint2:
    case DType::int2:
      return 2;
    default:
      return static_cast<int>(8 * element_size(dtype));
  }
}

size_t file_bytes(DType dtype, size_t count) {
  const auto bits = static_cast<size_t>(file_bits(dtype));
  if (!is_packed(dtype)) return count * (bits / 8);
  const size_t per_byte = 8 / bits;
  return count / per_byte + (count % per_byte != 0);
}

void unpack(DType dtype, const std::byte* in, size_t count, std::byte* out) {
  const auto bits = static_cast<unsigned>(file_bits(dtype));
  const unsigned per_byte = 8 / bits, mask = (1u << bits) - 1;
  const unsigned sign = is_signed(dtype) ? 1u << (bits - 1) : 0;
  for (size_t i = 0; i < count; ++i) {
    const unsigned code = std::to_integer<unsigned>(in[i / per_byte]) >> (i % per_byte * bits) & mask;
    out[i] = static_cast<std::byte>((code ^ sign) - sign);
  }
}

std::string pack(DType dtype, const std::byte* in, size_t count) {
  const auto bits = static_cast<unsigned>(file_bits(dtype));
  const unsigned per_byte = 8 / bits, mask = (1u << bits) - 1;
  std::string out(file_bytes(dtype, count), '\0');
  for (size_t i = 0; i < count; ++i) {
    const unsigned code = (std::to_integer<unsigned>(in[i]) & mask) << (i % per_byte * bits);
    out[i / per_byte] = static_cast<char>(static_cast<unsigned char>(out[i / per_byte]) | code);
  }
  return out;
}

}  // namespace qtool::onnxio
