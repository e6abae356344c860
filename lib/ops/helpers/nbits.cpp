#include "ops/helpers/nbits.h"

#include <algorithm>

#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

/// Codes of `kBits` bits out of bytes, the lowest first.
template <int kBits>
void unpack(const uint8_t* packed, int64_t width, uint8_t* codes) {
  constexpr int kEach = 8 / kBits, kMask = (1 << kBits) - 1;
  for (int64_t byte = 0; byte < width / kEach; ++byte)
    for (int i = 0; i < kEach; ++i) codes[byte * kEach + i] = static_cast<uint8_t>(packed[byte] >> i * kBits & kMask);
  for (int64_t i = width / kEach * kEach; i < width; ++i) codes[i] = static_cast<uint8_t>(packed[i / kEach] >> i % kEach * kBits & kMask);
}

template <int kBits>
void pack(const uint8_t* codes, int64_t width, uint8_t* packed) {
  constexpr int kEach = 8 / kBits;
  for (int64_t byte = 0; byte < width / kEach; ++byte) {
    int bits = 0;
    for (int i = 0; i < kEach; ++i) bits |= codes[byte * kEach + i] << i * kBits;
    packed[byte] = static_cast<uint8_t>(bits);
  }
  for (int64_t i = width / kEach * kEach; i < width; ++i)
    packed[i / kEach] = static_cast<uint8_t>(packed[i / kEach] | codes[i] << i % kEach * kBits);
}

auto* pack_of(int64_t bits) { return bits == 2 ? pack<2> : bits == 4 ? pack<4> : pack<8>; }

}  // namespace

void unpack_codes(const uint8_t* packed, int64_t count, int64_t bits, uint8_t* codes) {
  (bits == 2 ? unpack<2> : bits == 4 ? unpack<4> : unpack<8>)(packed, count, codes);
}

BlockPacking BlockPacking::of(const Node& node) {
  const BlockPacking p{node.attr_or("N", 0), node.attr_or("K", 0), node.attr_or("bits", 4), node.attr_or("block_size", 32)};
  require(p.n > 0 && p.k > 0 && p.k <= int64_t{1} << 31 && p.n <= int64_t{1} << 31, "N and K are not sizes");
  if (p.bits != 2 && p.bits != 4 && p.bits != 8) throw unsupported("weights of " + std::to_string(p.bits) + " bits are not supported");
  require(p.block >= 16 && p.block <= 1 << 20, "block_size is not a size");
  return p;
}

std::vector<uint8_t> codes_in_blocks(const BlockPacking& p, const Tensor& packed) {
  require(packed.dtype() == DType::uint8 && packed.size() == p.n * p.blocks() * p.bytes(), "the weights have the wrong size");
  std::vector<uint8_t> codes(static_cast<size_t>(p.n * p.k));
  for (int64_t n = 0; n < p.n; ++n)
    for (int64_t b = 0; b < p.blocks(); ++b)
      unpack_codes(elements<uint8_t>(packed) + (n * p.blocks() + b) * p.bytes(), std::min(p.block, p.k - b * p.block), p.bits,
                   codes.data() + n * p.k + b * p.block);
  return codes;
}

std::vector<double> zeros_of_blocks(const BlockPacking& p, const Tensor& given) {
  if (given.defined() && given.dtype() != DType::uint8) return to_doubles(given);
  std::vector<double> zeros(static_cast<size_t>(p.n * p.blocks()), static_cast<double>(1 << (p.bits - 1)));
  if (!given.defined()) return zeros;
  require(given.size() == p.n * p.zero_bytes(), "the zero points have the wrong size");
  std::vector<uint8_t> row(static_cast<size_t>(p.blocks()));
  for (int64_t n = 0; n < p.n; ++n) {
    unpack_codes(elements<uint8_t>(given) + n * p.zero_bytes(), p.blocks(), p.bits, row.data());
    std::copy(row.begin(), row.end(), zeros.begin() + n * p.blocks());
  }
  return zeros;
}

std::vector<uint8_t> packed_bits(const std::vector<uint8_t>& codes, int64_t rows, int64_t width, int64_t bits) {
  const int64_t bytes = (width * bits + 7) / 8;
  std::vector<uint8_t> packed(static_cast<size_t>(rows * bytes), 0);
  for (int64_t r = 0; r < rows; ++r) pack_of(bits)(codes.data() + r * width, width, packed.data() + r * bytes);
  return packed;
}

}  // namespace qtool
