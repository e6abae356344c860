#include "exec/canonical/block_product.h"

#include <algorithm>
#include <optional>

#include "exec/canonical/stored_codes.h"
#include "kernels/registry.h"
#include "ops/helpers/nbits.h"

namespace qtool {
namespace {

constexpr const char* kDomain = "com.microsoft";
constexpr int64_t kDeepest = 1 << 16, kSmallestBlock = 16;

/// Codes of a matrix [K, N] or, `turned`, [N, K]; parameters one a block along K, one a column, or one in all.
struct BlockCodes {
  StoredCodes stored;
  bool turned;
  BlockPacking packing;

  /// Of column n and block k.
  size_t parameter_at(int64_t n, int64_t k) const {
    if (stored.scales->size() == 1) return 0;
    if (stored.block == 0) return static_cast<size_t>(n);
    return static_cast<size_t>(turned ? n * packing.blocks() + k : k * packing.n + n);
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
std::optional<int64_t> block_of(const StoredCodes& stored, int64_t depth, bool turned) {
  const int64_t along = turned ? 1 : 0;
  if (stored.per_tensor() || stored.per_slice_of(1 - along)) return std::max(kSmallestBlock, depth + depth % 2);
  const bool fits = stored.per_block_of(along) && stored.block >= kSmallestBlock && stored.block % 2 == 0 && stored.block <= kDeepest;
  return fits ? std::optional(stored.block) : std::nullopt;
}

std::optional<BlockCodes> block_codes(const Node& product) {
  const auto stored = is_plain_product(product) && product.in(0) ? stored_codes(product.in(1)) : std::nullopt;
  if (!stored || stored->codes->rank() != 2 || (stored->bits() == 8 && stored->block == 0)) return std::nullopt;
  const bool turned = product.is("Gemm") && product.attr_or("transB", 0) != 0;
  const int64_t k = stored->codes->shape()[turned ? 1 : 0], n = stored->codes->shape()[turned ? 0 : 1];
  const auto block = k <= kDeepest ? block_of(*stored, k, turned) : std::nullopt;
  if (!block || !has_vector_bias(product, n) || !stored->fits_s8()) return std::nullopt;
  return BlockCodes{*stored, turned, {n, k, stored->bits(), *block}};
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
  const std::vector<uint8_t> codes = unsigned_codes(*w.stored.codes);
  const std::vector<uint8_t> blocks = w.turned ? padded_to_blocks(codes, p) : turned_to_blocks(codes, p);
  return Tensor::of<uint8_t>({p.n, p.blocks(), p.bytes()}, packed_bits(blocks, p.n * p.blocks(), p.block, p.bits));
}

Tensor block_scales(const BlockCodes& w) {
  std::vector<float> scales;
  const std::vector<float> given = w.stored.scales->to_floats();
  for (int64_t n = 0; n < w.packing.n; ++n)
    for (int64_t b = 0; b < w.packing.blocks(); ++b) scales.push_back(given[w.parameter_at(n, b)]);
  return Tensor::of<float>({w.packing.n, w.packing.blocks()}, scales);
}

Tensor packed_zeros(const BlockCodes& w) {
  const BlockPacking& p = w.packing;
  const auto none = static_cast<uint8_t>(is_signed(w.stored.codes->dtype()) ? 1 << (p.bits - 1) : 0);
  const std::vector<uint8_t> given = w.stored.zeros ? unsigned_codes(*w.stored.zeros) : std::vector<uint8_t>();
  std::vector<uint8_t> zeros;
  for (int64_t n = 0; n < p.n; ++n)
    for (int64_t b = 0; b < p.blocks(); ++b) zeros.push_back(w.stored.zeros ? given[w.parameter_at(n, b)] : none);
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
  erase_if_unused(real);
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
