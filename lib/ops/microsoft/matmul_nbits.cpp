// MatMulNBits: y = a dequantize(b)^T + bias, b [N, blocks, bytes] of `bits`-bit codes in blocks of `block_size` along K, the lowest bits
// first; scales [N, blocks]; zero points packed alike (default the middle code), or real numbers in units of a code.
#include "ops/helpers/infer.h"
#include "ops/helpers/matmul.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

struct Packing {
  int64_t n, k, bits, block, blocks, bytes;  ///< bytes a block
};

Packing packing_of(const Node& node) {
  Packing p{node.attr_or("N", 0), node.attr_or("K", 0), node.attr_or("bits", 4), node.attr_or("block_size", 32), 0, 0};
  require(p.n > 0 && p.k > 0 && p.k <= int64_t{1} << 31 && p.n <= int64_t{1} << 31, "N and K are not sizes");
  if (p.bits != 2 && p.bits != 4 && p.bits != 8) throw unsupported("weights of " + std::to_string(p.bits) + " bits are not supported");
  require(p.block >= 16 && p.block <= 1 << 20, "block_size is not a size");
  p.blocks = (p.k + p.block - 1) / p.block;
  p.bytes = (p.block * p.bits + 7) / 8;
  return p;
}

int64_t code_at(const uint8_t* packed, int64_t i, int64_t bits) { return packed[i * bits / 8] >> (i * bits % 8) & ((1 << bits) - 1); }

/// One a row and block: packed along the blocks of a row, or real.
std::vector<double> zero_points(const Tensor& given, const Packing& p) {
  if (given.defined() && given.dtype() != DType::uint8) return to_doubles(given);
  std::vector<double> zeros(static_cast<size_t>(p.n * p.blocks), static_cast<double>(1 << (p.bits - 1)));
  if (!given.defined()) return zeros;
  const int64_t row = (p.blocks * p.bits + 7) / 8;
  require(given.size() == p.n * row, "the zero points have the wrong size");
  for (int64_t n = 0; n < p.n; ++n)
    for (int64_t b = 0; b < p.blocks; ++b)
      zeros[static_cast<size_t>(n * p.blocks + b)] = static_cast<double>(code_at(elements<uint8_t>(given) + n * row, b, p.bits));
  return zeros;
}

/// [K, N]
Tensor weights(const Packing& p, TensorsIn in) {
  const Tensor &codes = input(in, 1), &scales = input(in, 2);
  require(codes.dtype() == DType::uint8 && codes.size() == p.n * p.blocks * p.bytes, "the weights have the wrong size");
  const std::vector<double> scale = to_doubles(scales), zero = zero_points(optional_input(in, 3), p);
  require(std::ssize(scale) == p.n * p.blocks && zero.size() == scale.size(), "scales or zero points have the wrong size");
  Tensor real(DType::float32, {p.k, p.n});
  float* to = elements<float>(real);
  for (int64_t n = 0; n < p.n; ++n)
    for (int64_t k = 0; k < p.k; ++k) {
      const int64_t at = n * p.blocks + k / p.block;
      const auto code = static_cast<double>(code_at(elements<uint8_t>(codes) + at * p.bytes, k % p.block, p.bits));
      to[k * p.n + n] = static_cast<float>((code - zero[static_cast<size_t>(at)]) * scale[static_cast<size_t>(at)]);
    }
  return real;
}

void eval(const Node& node, TensorsIn in, TensorsOut out) {
  const Packing p = packing_of(node);
  if (optional_input(in, 4).defined()) throw unsupported("g_idx is not supported");
  const Tensor& a = input(in, 0);
  Tensor y = matmul(a.cast(DType::float32), weights(p, in)).cast(DType::float32);
  if (const Tensor& bias = optional_input(in, 5); bias.defined()) {
    const std::vector<float> shift = bias.to_floats();
    require(std::ssize(shift) == p.n, "the bias has the wrong size");
    float* to = elements<float>(y);
    for (int64_t i = 0; i < y.size(); ++i) to[i] += shift[static_cast<size_t>(i % p.n)];
  }
  out[0] = y.cast(a.dtype());
}

TypeList infer(const Node& node, const InferInput& in) {
  Dims dims = dims_of(in, 0);
  if (dims && !dims->empty()) dims->back() = known(node.attr_or("N", 0));
  return outputs(node, {{dtype_of(in, 0), dims}});
}

}  // namespace

extern const OpDef kMatMulNBits1{.name = "MatMulNBits", .infer = infer, .eval = eval, .domain = "com.microsoft"};

}  // namespace qtool
