// MatMulNBits: y = a dequantize(b)^T + bias, b [N, blocks, bytes] of `bits`-bit codes in blocks of `block_size` along K, the lowest bits
// first; scales [N, blocks]; zero points packed alike (default the middle code), or real numbers in units of a code.
#include "ops/helpers/infer.h"
#include "ops/helpers/matmul.h"
#include "ops/helpers/nbits.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

/// [K, N]
Tensor weights(const BlockPacking& p, TensorsIn in) {
  const std::vector<double> scale = to_doubles(input(in, 2)), zero = zeros_of_blocks(p, optional_input(in, 3));
  require(std::ssize(scale) == p.n * p.blocks() && zero.size() == scale.size(), "scales or zero points have the wrong size");
  const std::vector<uint8_t> codes = codes_in_blocks(p, input(in, 1));
  Tensor real(DType::float32, {p.k, p.n});
  float* to = elements<float>(real);
  for (int64_t n = 0; n < p.n; ++n)
    for (int64_t k = 0; k < p.k; ++k) {
      const auto at = static_cast<size_t>(n * p.blocks() + k / p.block);
      to[k * p.n + n] = static_cast<float>((codes[static_cast<size_t>(n * p.k + k)] - zero[at]) * scale[at]);
    }
  return real;
}

void eval(const Node& node, TensorsIn in, TensorsOut out) {
  const BlockPacking p = BlockPacking::of(node);
  if (optional_input(in, 4).defined()) throw unsupported("g_idx is not supported");
  const Tensor& a = input(in, 0);
  Tensor y = matmul(a.cast(DType::float32), weights(p, in)).cast(DType::float64);
  if (const Tensor& bias = optional_input(in, 5); bias.defined()) {
    const std::vector<double> shift = to_doubles(bias);
    require(std::ssize(shift) == p.n, "the bias has the wrong size");
    double* to = elements<double>(y);
    for (int64_t i = 0; i < y.size(); ++i) to[i] += shift[static_cast<size_t>(i % p.n)];
  }
  out[0] = y.cast(a.dtype());
}

TypeList infer(const Node& node, const InferInput& in) {
  Dims dims = dims_of(in, 0);
  if (dims && !dims->empty()) dims->back() = known(node.attr_or("N", 0));
  return outputs(node, {{dtype_of(in, 0), dims}});
}

int64_t macs(const Node& node, std::span<const Shape>, std::span<const Shape> out) { return element_count(out[0]) * node.attr_or("K", 0); }

}  // namespace

extern const OpDef kMatMulNBits1{.name = "MatMulNBits", .infer = infer, .eval = eval, .macs = macs, .domain = "com.microsoft"};

}  // namespace qtool
