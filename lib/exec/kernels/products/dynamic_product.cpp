#include "exec/kernels/products/dynamic_product.h"

#include "exec/kernels/products/operands.h"

namespace qtool::lowerings {
namespace {

const Operand* operand(const Cluster& cluster, size_t input) {
  const bool there = input < cluster.inputs.size() && cluster.inputs[input].value;
  return there ? &cluster.inputs[input] : nullptr;
}

/// Scale and zero points of the weight, as DequantizeLinear's would be.
std::optional<Tensor> weights_of(const Cluster& cluster) {
  const Operand &weight = cluster.inputs[kWeight], *zero = operand(cluster, kWeightZeroPoint);
  const int64_t columns = weight.value->constant()->shape()[1];
  QuantParams params{weight.value->constant()->dtype(), 1, std::vector<float>(static_cast<size_t>(columns), 1.0f), {}};
  for (int64_t c = 0; c < columns; ++c) {
    const Tensor* zeros = zero ? zero->value->constant() : nullptr;
    params.zero_points.push_back(zeros ? static_cast<int32_t>(zeros->number_at(zeros->size() == 1 ? 0 : c)) : 0);
  }
  return centred_weights({weight.value, params}, 1);
}

std::vector<float> repeated(std::vector<float> values, int64_t count) {
  if (values.size() == 1) values.resize(static_cast<size_t>(count), values[0]);
  return values;
}

bool is_row(const Tensor& tensor, int64_t columns) { return tensor.size() == 1 || tensor.size() == columns; }

std::optional<std::string> why_not(const Cluster& cluster) {
  for (const size_t needed : {kCodes, kWeight, kScale, kWeightScale, kZeroPoint})
    if (!operand(cluster, needed)) return "an input is missing";
  for (const size_t constant : {kWeight, kWeightScale, kWeightZeroPoint, kBias})
    if (const Operand* given = operand(cluster, constant); given && !given->constant()) return "a weight is computed";
  for (const size_t computed : {kCodes, kScale, kZeroPoint})
    if (cluster.inputs[computed].constant()) return "the activation is a constant";
  const Tensor& weight = *cluster.inputs[kWeight].value->constant();
  if (weight.rank() != 2 || (weight.dtype() != DType::int8 && weight.dtype() != DType::uint8))
    return "the weight is no matrix of 8-bit codes";
  for (const size_t row : {kWeightScale, kWeightZeroPoint, kBias})
    if (const Operand* given = operand(cluster, row); given && !is_row(*given->value->constant(), weight.shape()[1]))
      return "a scale, zero point or bias fits neither the weight nor its columns";
  if (cluster.inputs[kCodes].value->type.dtype != DType::uint8 || !cluster.inputs[kCodes].value->type.dims)
    return "the codes are not uint8";
  return std::nullopt;
}

}  // namespace

std::optional<DynamicProduct> read_dynamic_product(const Cluster& cluster, std::string& reason) {
  if (auto refusal = why_not(cluster)) return reason = *refusal, std::nullopt;
  auto weights = weights_of(cluster);
  if (!weights) return reason = "weights do not fit s8", std::nullopt;
  const int64_t columns = weights->shape()[1];
  const Operand* bias = operand(cluster, kBias);
  return DynamicProduct{std::move(*weights), repeated(real_values(cluster.inputs[kWeightScale]), columns),
                        repeated(bias ? real_values(*bias) : std::vector<float>{0}, columns)};
}

}  // namespace qtool::lowerings
