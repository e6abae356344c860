#include "ops/helpers/nbits.h"

#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

uint8_t code_at(const uint8_t* packed, int64_t i, int64_t bits) {
  return static_cast<uint8_t>(packed[i * bits / 8] >> (i * bits % 8) & ((1 << bits) - 1));
}

}  // namespace

BlockPacking BlockPacking::of(const Node& node) {
  const BlockPacking p{node.attr_or("N", 0), node.attr_or("K", 0), node.attr_or("bits", 4), node.attr_or("block_size", 32)};
  require(p.n > 0 && p.k > 0 && p.k <= int64_t{1} << 31 && p.n <= int64_t{1} << 31, "N and K are not sizes");
  if (p.bits != 2 && p.bits != 4 && p.bits != 8) throw unsupported("weights of " + std::to_string(p.bits) + " bits are not supported");
  require(p.block >= 16 && p.block <= 1 << 20, "block_size is not a size");
  return p;
}

std::vector<uint8_t> codes_in_blocks(const BlockPacking& p, const Tensor& b) {
  require(b.dtype() == DType::uint8 && b.size() == p.n * p.blocks() * p.bytes(), "the weights have the wrong size");
  std::vector<uint8_t> codes(static_cast<size_t>(p.n * p.k));
  for (int64_t n = 0; n < p.n; ++n)
    for (int64_t k = 0; k < p.k; ++k)
      codes[static_cast<size_t>(n * p.k + k)] =
          code_at(elements<uint8_t>(b) + (n * p.blocks() + k / p.block) * p.bytes(), k % p.block, p.bits);
  return codes;
}

std::vector<double> zeros_of_blocks(const BlockPacking& p, const Tensor& given) {
  if (given.defined() && given.dtype() != DType::uint8) return to_doubles(given);
  std::vector<double> zeros(static_cast<size_t>(p.n * p.blocks()), static_cast<double>(1 << (p.bits - 1)));
  if (!given.defined()) return zeros;
  require(given.size() == p.n * p.zero_bytes(), "the zero points have the wrong size");
  for (int64_t n = 0; n < p.n; ++n)
    for (int64_t b = 0; b < p.blocks(); ++b)
      zeros[static_cast<size_t>(n * p.blocks() + b)] = code_at(elements<uint8_t>(given) + n * p.zero_bytes(), b, p.bits);
  return zeros;
}

std::vector<uint8_t> packed_bits(const std::vector<uint8_t>& codes, int64_t rows, int64_t width, int64_t bits) {
  const int64_t bytes = (width * bits + 7) / 8;
  std::vector<uint8_t> packed(static_cast<size_t>(rows * bytes), 0);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = 0; i < width; ++i) {
      uint8_t& byte = packed[static_cast<size_t>(r * bytes + i * bits / 8)];
      byte = static_cast<uint8_t>(byte | codes[static_cast<size_t>(r * width + i)] << (i * bits % 8));
    }
  return packed;
}

}  // namespace qtool
