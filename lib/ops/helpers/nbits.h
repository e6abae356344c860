#pragma once
// Weights of com.microsoft.MatMulNBits: codes of 2, 4 or 8 bits in blocks along K.

#include <cstdint>
#include <vector>

#include "ops/op_def.h"

namespace qtool {

/// b [n, blocks, bytes]: each block `bytes` long, the lowest bits first.
struct BlockPacking {
  int64_t n, k, bits, block;
  int64_t blocks() const { return (k + block - 1) / block; }
  int64_t bytes() const { return (block * bits + 7) / 8; }
  int64_t zero_bytes() const { return (blocks() * bits + 7) / 8; }  ///< of a row of packed zero points

  /// Throws Error(invalid_file) for attributes that are no such sizes, Error(unsupported) for other numbers of bits.
  static BlockPacking of(const Node& node);
};

/// `count` codes of 2, 4 or 8 bits from the lowest of `packed` on, one a byte.
void unpack_codes(const uint8_t* packed, int64_t count, int64_t bits, uint8_t* codes);

/// [n, k], one a byte. Throws Error(invalid_file) where `b` has another size.
std::vector<uint8_t> codes_in_blocks(const BlockPacking& packing, const Tensor& b);
/// [n, blocks]: packed ones, or real ones in units of a code; the middle code where there are none.
std::vector<double> zeros_of_blocks(const BlockPacking& packing, const Tensor& given);

/// `rows` rows of `width` codes, each row packed from a byte's lowest bits on.
std::vector<uint8_t> packed_bits(const std::vector<uint8_t>& codes, int64_t rows, int64_t width, int64_t bits);

}  // namespace qtool
