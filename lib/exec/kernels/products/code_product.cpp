#include "exec/kernels/products/code_product.h"

#include <algorithm>
#include <numeric>

#include "exec/kernels/elementwise/curves.h"

namespace qtool::lowerings {
namespace {

bool has_constants(const Cluster& cluster, std::string& reason) {
  const Operand* bias = cluster.inputs.size() > 2 ? &cluster.inputs[2] : nullptr;
  if (!cluster.inputs[1].constant()) return reason = "the weight is no constant", false;
  return !bias || !bias->value || bias->constant() || (reason = "the bias is no constant", false);
}

void add_bias(const std::vector<float>& values, std::vector<double>& bias) {
  for (size_t c = 0; c < bias.size(); ++c) bias[c] += values[c];
}

}  // namespace

size_t leading_constants(const Cluster& cluster, const Channels& channels) {
  size_t count = 0;
  while (count < cluster.post_ops.size() && cluster.post_ops[count].kind == PostOp::Kind::add &&
         !channel_values(cluster.post_ops[count].operand, channels).empty())
    ++count;
  return count;
}

std::optional<CodeProduct> read_code_product(const Cluster& cluster, int axis, const Channels& channels, std::string& reason) {
  const Operand &x = cluster.inputs[0], &w = cluster.inputs[1];
  if (!has_constants(cluster, reason)) return std::nullopt;
  if (!per_tensor_8bit(x) || !w.quantized()) return reason = "input codes are not per-tensor 8-bit, or the weight is float", std::nullopt;
  auto weights = centred_weights(w, axis);
  if (!weights) return reason = "weights do not fit s8, or have parameters along another axis", std::nullopt;
  CodeProduct product{x.params->dtype, x.params->zero_point(), *weights, product_scales(*x.params, *w.params, channels.count), {}, {}};
  const std::vector<float> bias = real_bias(cluster.inputs.size() > 2 ? &cluster.inputs[2] : nullptr, channels.count);
  if (bias.size() != product.factors.size()) return reason = "the bias has another length than the output channels", std::nullopt;
  product.bias.assign(bias.size(), 0);
  add_bias(bias, product.bias);
  for (size_t i = 0; i < leading_constants(cluster, channels); ++i)
    add_bias(channel_values(cluster.post_ops[i].operand, channels), product.bias);
  return product;
}

std::vector<int64_t> sums_by_first_axis(const Tensor& weights) {
  const auto codes = weights.data<int8_t>();
  std::vector<int64_t> sums(static_cast<size_t>(weights.shape()[0]));
  const size_t each = codes.size() / std::max<size_t>(1, sums.size());
  for (size_t s = 0; s < sums.size(); ++s)
    for (size_t first = s * each, end = first + each; first < end;) {
      const size_t last = std::min(end, first + (size_t{1} << 24));  // what i32 holds the sum of
      sums[s] += std::accumulate(&codes[first], &codes[first] + (last - first), int32_t{0});
      first = last;
    }
  return sums;
}

std::optional<CodeBounds> bounds_behind(const Cluster& cluster, size_t first) {
  if (cluster.outputs.size() != 1 || !per_tensor_8bit(cluster.outputs[0])) return std::nullopt;
  const auto bounds = bounds_of(std::span(cluster.post_ops).subspan(first));
  if (!bounds) return std::nullopt;
  const QuantParams& out = *cluster.outputs[0].params;
  const CodeRange codes = full_range(out.dtype);
  const auto code = [&](float y) { return quantize_value(y, out.scale(), out.zero_point(), codes); };
  return CodeBounds{code(bounds->low), code(bounds->high)};
}

}  // namespace qtool::lowerings
