#include "exec/onednn/products/products.h"

#include <cmath>

#include "exec/kernels/products/operands.h"
#include "exec/onednn/memory.h"

namespace qtool::onednn {
namespace {

/// Steps of the first unit up to which a folded zero point costs no accuracy: 2^10 steps in 24 bits leave 2^-14 of one.
constexpr double kFoldLimit = 1024;

bool read_int8(const Cluster& cluster, int axis, int64_t count, Products& products, std::string& reason) {
  const Operand &x = cluster.inputs[0], &w = cluster.inputs[1];
  if (!per_tensor_8bit(x) || !w.quantized()) return reason = "input codes are not per-tensor 8-bit, or the weight is float", false;
  auto weights = centred_weights(w, axis);
  if (!weights) return reason = "weights do not fit s8, or have parameters along another axis", false;
  products.in_dtype = x.params->dtype;
  products.zero_point = x.params->zero_point();
  products.weights = *weights;
  products.factors = product_scales(*x.params, *w.params, count);
  return true;
}

bool read_float(const Cluster& cluster, Products& products, std::string& reason) {
  const Operand& w = cluster.inputs[1];
  products.weights = w.quantized() ? dequantize(*w.value->constant(), *w.params) : *w.value->constant();
  return products.weights.dtype() == DType::float32 || (reason = "weights are not float32", false);
}

}  // namespace

std::vector<float> Products::scales() const {
  std::vector<float> result = factors;
  for (float& factor : result) factor = static_cast<float>(factor / epilogue.unit);
  return result;
}

std::vector<float> Products::shifts(bool fold_zero_point, int64_t count) const {
  std::vector<float> result(static_cast<size_t>(count));
  for (size_t c = 0; c < result.size(); ++c) {
    double real = static_cast<double>(bias.empty() ? 0.0f : bias[c]) + (epilogue.bias.empty() ? 0.0f : epilogue.bias[c]) - epilogue.offset;
    if (fold_zero_point) real -= static_cast<double>(zero_point) * static_cast<double>(weight_sums[c]) * factors[c];
    result[c] = static_cast<float>(real / epilogue.unit);
  }
  return result;
}

bool Products::may_fold_zero_point() const {
  if (zero_point == 0 || weight_sums.empty()) return false;
  for (size_t c = 0; c < factors.size(); ++c)
    if (std::fabs(static_cast<double>(zero_point) * static_cast<double>(weight_sums[c]) * factors[c] / epilogue.unit) > kFoldLimit)
      return false;
  return true;
}

void Products::apply(dnnl::primitive_attr& attr, int mask, bool fold_zero_point, Compiled& compiled) const {
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (!int8()) return;
  attr.set_scales_mask(DNNL_ARG_WEIGHTS, mask);
  compiled.constants.emplace_back(DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS, constant_floats(scales()));
  if (zero_point == 0 || fold_zero_point) return;
  attr.set_zero_points_mask(DNNL_ARG_SRC, 0);
  compiled.constants.emplace_back(DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_SRC, constant_ints({zero_point}));
}

std::optional<Products> read_products(const Cluster& cluster, int axis, const Channels& channels, std::string& reason) {
  Products products;
  const Operand* bias = cluster.inputs.size() > 2 ? &cluster.inputs[2] : nullptr;
  if (!cluster.inputs[1].constant()) return reason = "the weight is no constant", std::nullopt;
  if (bias && bias->value && !bias->constant()) return reason = "the bias is no constant", std::nullopt;
  const bool read =
      cluster.inputs[0].quantized() ? read_int8(cluster, axis, channels.count, products, reason) : read_float(cluster, products, reason);
  if (!read) return std::nullopt;
  products.bias = real_bias(bias, channels.count);
  auto epilogue = plan_epilogue(cluster, channels, products.factors, reason);
  if (!epilogue) return std::nullopt;
  products.epilogue = std::move(*epilogue);
  return products;
}

dnnl::memory PackedWeights::get(const Tensor& weights, const dnnl::memory::desc& from, const dnnl::memory::desc& to) {
  std::lock_guard lock(mutex_);
  for (const auto& [desc, memory] : packed_)
    if (desc == to) return memory;
  packed_.emplace_back(to, packed(weights, from, to));
  return packed_.back().second;
}

}  // namespace qtool::onednn
