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

namespace {

/// Codes of `kBits` bits, the lowest of a byte first, to one a byte; `sign`: their highest bit, where they have one.
template <unsigned kBits>
void unpack_codes(const std::byte* in, size_t count, unsigned sign, std::byte* out) {
  constexpr unsigned kEach = 8 / kBits, kMask = (1u << kBits) - 1;
  const auto code = [&](std::byte byte, unsigned i) {
    return static_cast<std::byte>(((std::to_integer<unsigned>(byte) >> i * kBits & kMask) ^ sign) - sign);
  };
  for (size_t byte = 0; byte < count / kEach; ++byte)
    for (unsigned i = 0; i < kEach; ++i) out[byte * kEach + i] = code(in[byte], i);
  for (size_t i = count / kEach * kEach; i < count; ++i) out[i] = code(in[i / kEach], i % kEach);
}

}  // namespace

void unpack(DType dtype, const std::byte* in, size_t count, std::byte* out) {
  const auto bits = static_cast<unsigned>(file_bits(dtype));
  const unsigned sign = is_signed(dtype) ? 1u << (bits - 1) : 0;
  (bits == 2 ? unpack_codes<2> : bits == 4 ? unpack_codes<4> : unpack_codes<8>)(in, count, sign, out);
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
