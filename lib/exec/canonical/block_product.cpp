#include "exec/canonical/block_product.h"

#include <algorithm>
#include <optional>

#include "exec/cluster/quantized.h"
#include "kernels/registry.h"
#include "ops/helpers/nbits.h"

namespace qtool {
namespace {

constexpr const char* kDomain = "com.microsoft";
constexpr int64_t kDeepest = 1 << 16, kSmallestBlock = 16;

const Tensor* constant_in(const Node& node, size_t i) { return node.in(i) ? node.in(i)->constant() : nullptr; }

/// Codes of a matrix [K, N] (or, `turned`, [N, K]) and what they mean: parameters of shape `given`, [blocks, N] or the same turned, or one
/// a column, or one in all.
struct BlockCodes {
  const Tensor *codes, *scales, *zeros;
  bool turned;
  BlockPacking packing;

  /// Where the entry of column n and row (or block) k lies in a tensor of `rows` x N, or turned.
  size_t at(int64_t n, int64_t k, int64_t rows) const { return static_cast<size_t>(turned ? n * rows + k : k * packing.n + n); }
  /// Of column n and block k.
  size_t parameter_at(int64_t n, int64_t k) const {
    if (scales->size() == 1) return 0;
    return scales->rank() == 1 ? static_cast<size_t>(n) : at(n, k, packing.blocks());
  }
};

/// MatMul, or a Gemm that does no more than add a bias.
bool is_plain_product(const Node& node) {
  if (node.is("MatMul")) return true;
  return node.is("Gemm") && node.attr_or("transA", 0) == 0 && node.attr_or("alpha", 1.0f) == 1 &&
         (!node.in(2) || node.attr_or("beta", 1.0f) == 1);
}

/// A constant vector over the columns, or none.
bool has_vector_bias(const Node& node, int64_t columns) {
  if (!node.is("Gemm") || !node.in(2)) return true;
  const Tensor* bias = constant_in(node, 2);
  return bias && bias->dtype() == DType::float32 && bias->size() == columns && bias->rank() > 0 && bias->shape().back() == columns;
}

/// Rows of a block; nothing where the parameters are laid out otherwise.
std::optional<int64_t> block_of(const Node& dequantize, const Tensor& scales, int64_t k, int64_t n, bool turned) {
  const int64_t block = dequantize.attr_or("block_size", 0), axis = dequantize.attr_or("axis", 1), positive = axis < 0 ? axis + 2 : axis;
  if (block == 0) {
    const bool fits = scales.size() == 1 || (scales.rank() == 1 && scales.size() == n && positive == (turned ? 0 : 1));
    return fits ? std::optional(std::max(kSmallestBlock, k + k % 2)) : std::nullopt;
  }
  if (positive != (turned ? 1 : 0) || block < kSmallestBlock || block % 2 != 0 || block > kDeepest) return std::nullopt;
  const int64_t blocks = (k + block - 1) / block;
  return scales.shape() == (turned ? Shape{n, blocks} : Shape{blocks, n}) ? std::optional(block) : std::nullopt;
}

/// What engines hold codes of 8 bits in.
bool fits_s8(const BlockCodes& w) {
  if (w.packing.bits < 8) return true;
  for (int64_t n = 0; n < w.packing.n; ++n)
    for (int64_t k = 0; k < w.packing.k; ++k) {
      const double zero = w.zeros ? w.zeros->number_at(static_cast<int64_t>(w.parameter_at(n, k / w.packing.block))) : 0;
      const double value = w.codes->number_at(static_cast<int64_t>(w.at(n, k, w.packing.k))) - zero;
      if (value < -128 || value > 127) return false;
    }
  return true;
}

std::optional<BlockCodes> block_codes(const Node& product) {
  if (!is_plain_product(product) || !product.in(0) || !product.in(1) || !is_dequantize(product.in(1)->producer())) return std::nullopt;
  const Node& dequantize = product.in(1)->producer();
  const Tensor *codes = constant_in(dequantize, 0), *scales = constant_in(dequantize, 1), *zeros = constant_in(dequantize, 2);
  if (!codes || !scales || (dequantize.in(2) && !zeros) || codes->rank() != 2 || codes->size() == 0) return std::nullopt;
  const bool turned = product.attr_or("transB", 0) != 0 && product.is("Gemm");
  const int64_t k = codes->shape()[turned ? 1 : 0], n = codes->shape()[turned ? 0 : 1];
  if (!is_integer(codes->dtype()) || bit_width(codes->dtype()) > 8 || scales->dtype() != DType::float32 || k > kDeepest)
    return std::nullopt;
  if (zeros && (zeros->shape() != scales->shape() || zeros->dtype() != codes->dtype())) return std::nullopt;
  if (bit_width(codes->dtype()) == 8 && dequantize.attr_or("block_size", 0) == 0) return std::nullopt;
  const auto block = block_of(dequantize, *scales, k, n, turned);
  if (!block || !has_vector_bias(product, n)) return std::nullopt;
  BlockCodes found{codes, scales, zeros, turned, {n, k, bit_width(codes->dtype()), *block}};
  return fits_s8(found) ? std::optional(found) : std::nullopt;
}

/// Elements of 8 bits or fewer as codes that start at 0.
std::vector<uint8_t> unsigned_codes(const Tensor& tensor) {
  const int half = is_signed(tensor.dtype()) ? 1 << (bit_width(tensor.dtype()) - 1) : 0;
  std::vector<uint8_t> codes(static_cast<size_t>(tensor.size()));
  const auto* from = reinterpret_cast<const uint8_t*>(tensor.bytes());
  for (size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<uint8_t>(from[i] + half);
  return codes;
}

/// [n, blocks * block] of [k, n].
std::vector<uint8_t> turned_to_blocks(const std::vector<uint8_t>& codes, const BlockPacking& p) {
  const auto rows = static_cast<size_t>(p.k), columns = static_cast<size_t>(p.n), stride = static_cast<size_t>(p.blocks() * p.block);
  std::vector<uint8_t> result(columns * stride, 0);
  const auto* from = reinterpret_cast<const std::byte*>(codes.data());
  kernels::best<kernels::Transpose>().run({from, reinterpret_cast<std::byte*>(result.data()), rows, columns, columns, stride, 1});
  return result;
}

/// The same of [n, k].
std::vector<uint8_t> padded_to_blocks(const std::vector<uint8_t>& codes, const BlockPacking& p) {
  const auto depth = static_cast<size_t>(p.k), stride = static_cast<size_t>(p.blocks() * p.block);
  std::vector<uint8_t> result(static_cast<size_t>(p.n) * stride, 0);
  for (size_t n = 0; n < static_cast<size_t>(p.n); ++n) std::copy_n(codes.data() + n * depth, depth, result.data() + n * stride);
  return result;
}

Tensor packed_codes(const BlockCodes& w) {
  const BlockPacking& p = w.packing;
  const std::vector<uint8_t> codes = unsigned_codes(*w.codes);
  const std::vector<uint8_t> blocks = w.turned ? padded_to_blocks(codes, p) : turned_to_blocks(codes, p);
  return Tensor::of<uint8_t>({p.n, p.blocks(), p.bytes()}, packed_bits(blocks, p.n * p.blocks(), p.block, p.bits));
}

Tensor block_scales(const BlockCodes& w) {
  std::vector<float> scales;
  const std::vector<float> given = w.scales->to_floats();
  for (int64_t n = 0; n < w.packing.n; ++n)
    for (int64_t b = 0; b < w.packing.blocks(); ++b) scales.push_back(given[w.parameter_at(n, b)]);
  return Tensor::of<float>({w.packing.n, w.packing.blocks()}, scales);
}

Tensor packed_zeros(const BlockCodes& w) {
  const BlockPacking& p = w.packing;
  const auto none = static_cast<uint8_t>(is_signed(w.codes->dtype()) ? 1 << (p.bits - 1) : 0);
  const std::vector<uint8_t> given = w.zeros ? unsigned_codes(*w.zeros) : std::vector<uint8_t>();
  std::vector<uint8_t> zeros;
  for (int64_t n = 0; n < p.n; ++n)
    for (int64_t b = 0; b < p.blocks(); ++b) zeros.push_back(w.zeros ? given[w.parameter_at(n, b)] : none);
  return Tensor::of<uint8_t>({p.n, p.zero_bytes()}, packed_bits(zeros, p.n, p.blocks(), p.bits));
}

void join(Graph& graph, Node& root, const BlockCodes& w) {
  Value &old = *root.out(0), &real = *root.in(1);
  const auto constant = [&](const char* part, Tensor tensor) {
    return graph.add_weight(graph.fresh_name(real.name() + part), std::move(tensor)).out(0);
  };
  std::vector<Value*> inputs{root.in(0), constant("_packed", packed_codes(w)), constant("_scales", block_scales(w)),
                             constant("_zeros", packed_zeros(w))};
  if (root.is("Gemm") && root.in(2)) inputs.insert(inputs.end(), {nullptr, root.in(2)});
  Node& made = graph.add_call(NodeKind::call_function, kDomain, "MatMulNBits", inputs, {graph.fresh_name(old.name() + "_joined")}, &root);
  made.name = root.name;
  made.out(0)->type = old.type;
  for (const auto& [name, value] :
       {std::pair{"N", w.packing.n}, {"K", w.packing.k}, {"bits", w.packing.bits}, {"block_size", w.packing.block}})
    made.set_attribute(name, value);
  graph.replace_uses(old, *made.out(0));
  graph.erase(root);
  if (real.unused() && !real.is_graph_output()) real.producer().graph().erase(real.producer());
}

}  // namespace

void join_block_products(Model& model) {
  size_t joined = 0;
  for_each_graph(*model.graph, [&](Graph& graph) {
    std::vector<std::pair<Node*, BlockCodes>> found;
    for (Node& node : graph.nodes())
      if (node.is_call())
        if (auto codes = block_codes(node)) found.emplace_back(&node, *codes);
    for (const auto& [node, codes] : found) join(graph, *node, codes);
    joined += found.size();
  });
  if (joined > 0 && model.opset(kDomain) == 0) model.set_opset(kDomain, 1);
}

}  // namespace qtool
