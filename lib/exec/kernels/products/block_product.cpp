// MatMulNBits: floats times a constant matrix of codes in blocks along its depth, held as codes.

#include <algorithm>

#include "exec/kernels/lowerings.h"
#include "exec/kernels/products/code_product.h"
#include "exec/kernels/products/matmul_step.h"
#include "exec/kernels/products/packed_side.h"
#include "exec/kernels/products/passes.h"
#include "ops/helpers/nbits.h"

namespace qtool::lowerings {
namespace {

enum Input : size_t { kX, kCodes, kScales, kZeros, kGroupIndex, kBias };

const Operand* operand(const Cluster& cluster, size_t input) {
  const bool there = input < cluster.inputs.size() && cluster.inputs[input].value;
  return there ? &cluster.inputs[input] : nullptr;
}

const Tensor* constant(const Cluster& cluster, size_t input) {
  const Operand* given = operand(cluster, input);
  return given ? given->value->constant() : nullptr;
}

std::optional<std::string> why_not(const Cluster& cluster, const BlockPacking& packing) {
  for (const size_t i : {kCodes, kScales, kZeros})
    if (operand(cluster, i) && !constant(cluster, i)) return "a weight is computed";
  if (operand(cluster, kGroupIndex)) return "an order of the groups";
  const Tensor *codes = constant(cluster, kCodes), *scales = constant(cluster, kScales), *zeros = constant(cluster, kZeros);
  if (!codes || codes->dtype() != DType::uint8 || codes->size() != packing.n * packing.blocks() * packing.bytes())
    return "codes of another size";
  if (!scales || scales->dtype() != DType::float32 || scales->size() != packing.n * packing.blocks())
    return "scales of another size or type";
  if (zeros && (zeros->dtype() != DType::uint8 || zeros->size() != packing.n * packing.zero_bytes()))
    return "zero points that are no packed codes";
  if (packing.k > kDeepest || packing.block % 2 != 0) return "deeper than the kernel sums up, or blocks of an odd size";
  const Operand& x = cluster.inputs[kX];
  if (!x.value || x.constant() || !x.value->type.dims || x.value->type.dims->size() < 2) return "the input is constant or no matrix";
  return std::nullopt;
}

/// [n, blocks] as [blocks, n].
template <class From, class To>
std::vector<To> by_block(const From& values, const BlockPacking& p) {
  std::vector<To> result(static_cast<size_t>(p.n * p.blocks()));
  for (int64_t n = 0; n < p.n; ++n)
    for (int64_t b = 0; b < p.blocks(); ++b)
      result[static_cast<size_t>(b * p.n + n)] = static_cast<To>(values[static_cast<size_t>(n * p.blocks() + b)]);
  return result;
}

Groups groups_of(const Cluster& cluster, const BlockPacking& packing) {
  const Tensor* zeros = constant(cluster, kZeros);
  return {static_cast<size_t>(packing.block), by_block<std::vector<float>, float>(constant(cluster, kScales)->to_floats(), packing),
          by_block<std::vector<double>, uint8_t>(zeros_of_blocks(packing, zeros ? *zeros : Tensor()), packing)};
}

/// Codes minus zero points; nothing where one does not fit s8.
std::optional<std::vector<int8_t>> centred(const std::vector<uint8_t>& codes, const Groups& groups, const BlockPacking& p) {
  std::vector<int8_t> result(codes.size());
  for (size_t n = 0, i = 0; n < static_cast<size_t>(p.n); ++n)
    for (size_t k = 0; k < static_cast<size_t>(p.k); ++k, ++i) {
      const int value = codes[i] - groups.zeros[k / groups.rows * static_cast<size_t>(p.n) + n];
      if (value < -128 || value > 127) return std::nullopt;
      result[i] = static_cast<int8_t>(value);
    }
  return result;
}

template <class Codes>
std::unique_ptr<Step> step_of(Codes codes, FloatProduct product) {
  return std::make_unique<MatMulStep<PackedSide<Codes>, FloatRows>>(PackedSide(std::move(codes), std::move(product)), false);
}

/// Null where 8-bit codes do not fit.
std::unique_ptr<Step> packed_step(const Cluster& cluster, const BlockPacking& packing, FloatProduct product) {
  const std::vector<uint8_t> codes = codes_in_blocks(packing, *constant(cluster, kCodes));
  const Groups groups = groups_of(cluster, packing);
  const auto depth = static_cast<size_t>(packing.k), columns = static_cast<size_t>(packing.n);
  const WeightView view{0, {0}, depth, 1, columns, depth};
  if (packing.bits <= 4) return step_of(NibbleCodes(view, codes.data(), groups), std::move(product));
  const auto bytes = centred(codes, groups, packing);
  return bytes ? step_of(ByteCodes(view, bytes->data(), groups), std::move(product)) : nullptr;
}

}  // namespace

LowerResult lower_block_product(const Model& model, const Cluster& cluster) {
  const BlockPacking packing = BlockPacking::of(*cluster.root);
  if (const auto refusal = why_not(cluster, packing)) return Declined{*refusal};
  const size_t rank = cluster.inputs[kX].value->type.dims->size();
  const Channels channels{rank, rank - 1, packing.n};
  const size_t first = leading_constants(cluster, channels);
  std::string reason;
  auto divided = divide(model, cluster, HeadKind::clamped_floats, first, reason);
  if (!divided) return Declined{reason};
  auto product = read_packed_product(divided->head, operand(divided->head, kBias), channels, first, reason);
  if (!product) return Declined{reason};
  auto step = packed_step(cluster, packing, std::move(*product));
  if (!step) return Declined{"codes less their zero points do not fit s8"};
  return with_passes({std::move(step), LayoutRule::plain}, std::move(*divided));
}

}  // namespace qtool::lowerings
