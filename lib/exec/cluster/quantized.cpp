#include "exec/cluster/quantized.h"

#include <algorithm>
#include <cmath>

namespace qtool {
namespace {

bool is_named(const Node& node, std::string_view op) {
  return node.kind() == NodeKind::call_function && node.op == op && (node.domain.empty() || node.domain == "com.microsoft");
}

std::optional<size_t> rank_of(const Value& value) {
  if (const Tensor* tensor = value.constant()) return tensor->rank();
  if (value.type.dims) return value.type.dims->size();
  return std::nullopt;
}

DType code_type(const Node& node) {
  if (const Value* zero_point = node.in(2)) return dtype_of(*zero_point);
  if (is_dequantize(node)) return node.in(0) ? dtype_of(*node.in(0)) : DType::undefined;
  const auto declared = static_cast<DType>(node.attr_or("output_dtype", 0));
  return declared == DType::undefined ? DType::uint8 : declared;
}

/// Axis of per-channel scales, or -1 when it cannot be told.
int channel_axis(const Node& node) {
  const auto rank = node.in(0) ? rank_of(*node.in(0)) : std::nullopt;
  if (!rank) return -1;
  const int64_t axis = node.attr_or("axis", 1);
  const int64_t positive = axis < 0 ? axis + static_cast<int64_t>(*rank) : axis;
  return positive >= 0 && positive < static_cast<int64_t>(*rank) ? static_cast<int>(positive) : -1;
}

std::vector<int32_t> zero_points(const Tensor* tensor, size_t count) {
  std::vector<int32_t> values(count, 0);
  if (tensor)
    for (size_t i = 0; i < count; ++i) values[i] = static_cast<int32_t>(tensor->number_at(static_cast<int64_t>(i)));
  return values;
}

bool usable(float scale) { return std::isfinite(scale) && scale > 0; }

}  // namespace

const Tensor* constant_in(const Node& node, size_t i) { return node.in(i) ? node.in(i)->constant() : nullptr; }

bool is_quantize(const Node& node) { return is_named(node, "QuantizeLinear"); }
bool is_dequantize(const Node& node) { return is_named(node, "DequantizeLinear"); }

DType dtype_of(const Value& value) {
  if (const Tensor* tensor = value.constant()) return tensor->dtype();
  if (value.type.dtype != DType::undefined) return value.type.dtype;
  return is_quantize(value.producer()) ? code_type(value.producer()) : DType::undefined;
}

std::optional<QuantParams> params_of(const Node& node) {
  if (!is_quantize(node) && !is_dequantize(node)) return std::nullopt;
  const Tensor* scale = constant_in(node, 1);
  const Tensor* zero_point = constant_in(node, 2);
  if (!scale || scale->dtype() != DType::float32 || scale->rank() > 1 || scale->size() == 0) return std::nullopt;
  if (node.in(2) && (!zero_point || zero_point->size() != scale->size())) return std::nullopt;
  if (node.attr_or("block_size", 0) != 0) return std::nullopt;
  QuantParams params;
  params.dtype = code_type(node);
  if (!is_integer(params.dtype)) return std::nullopt;
  params.axis = scale->size() == 1 ? -1 : channel_axis(node);
  if (scale->size() > 1 && params.axis < 0) return std::nullopt;
  params.scales = scale->to_floats();
  params.zero_points = zero_points(zero_point, params.scales.size());
  if (!std::all_of(params.scales.begin(), params.scales.end(), usable)) return std::nullopt;
  return params;
}

std::optional<Operand> codes_behind(const Value* real) {
  if (!real || !is_dequantize(real->producer()) || !real->producer().in(0)) return std::nullopt;
  auto params = params_of(real->producer());
  if (!params) return std::nullopt;
  return Operand{real->producer().in(0), std::move(params)};
}

std::optional<Operand> tensor_codes_behind(const Value* real) {
  auto operand = codes_behind(real);
  return operand && !operand->params->per_channel() ? operand : std::nullopt;
}

}  // namespace qtool
