#include "exec/kernels/products/operands.h"

#include <algorithm>

#include "exec/lowering.h"

namespace qtool::lowerings {

bool per_tensor_8bit(const Operand& operand) {
  if (!operand.quantized() || operand.params->per_channel()) return false;
  return operand.params->dtype == DType::uint8 || operand.params->dtype == DType::int8;
}

std::optional<Tensor> centred_weights(const Operand& weight, int axis) {
  const QuantParams& params = *weight.params;
  const Tensor& codes = *weight.value->constant();
  if (bit_width(params.dtype) > 8 || (params.per_channel() && params.axis != axis)) return std::nullopt;
  if (params.dtype == DType::int8 && std::all_of(params.zero_points.begin(), params.zero_points.end(), [](int z) { return z == 0; }))
    return codes;
  const auto channel_axis = static_cast<size_t>(axis);
  const int64_t inner = product(codes.shape(), channel_axis + 1, codes.rank()), channels = codes.shape()[channel_axis];
  Tensor centred(DType::int8, codes.shape());
  auto out = centred.mutable_data<int8_t>();
  const bool is_unsigned = !is_signed(params.dtype);
  for (int64_t i = 0; i < codes.size(); ++i) {
    const int raw = static_cast<int>(codes.bytes()[i]);
    const int code = is_unsigned ? raw : static_cast<int8_t>(raw);
    const int value = code - params.zero_points[params.per_channel() ? static_cast<size_t>(i / inner % channels) : 0];
    if (value < -128 || value > 127) return std::nullopt;
    out[static_cast<size_t>(i)] = static_cast<int8_t>(value);
  }
  return centred;
}

std::vector<float> product_scales(const QuantParams& input, const QuantParams& weight, int64_t count) {
  std::vector<float> factors(static_cast<size_t>(count));
  for (size_t c = 0; c < factors.size(); ++c)
    factors[c] = static_cast<float>(static_cast<double>(input.scale()) * weight.scales[weight.per_channel() ? c : 0]);
  return factors;
}

std::vector<float> real_bias(const Operand* bias, int64_t count) {
  if (!bias || !bias->value) return std::vector<float>(static_cast<size_t>(count), 0.0f);
  std::vector<float> values = real_values(*bias);
  if (values.size() == 1) values.assign(static_cast<size_t>(count), values[0]);
  return values;
}

int input_index(const Cluster& cluster, const Operand& operand) {
  const auto activations = activations_of(cluster);
  for (size_t i = 0; i < activations.size(); ++i)
    if (activations[i]->value == operand.value) return static_cast<int>(i);
  throw bug("an operand is no input of its cluster");
}

std::vector<float> real_values(const Operand& operand) {
  const Tensor& constant = *operand.value->constant();
  return operand.quantized() ? dequantize(constant, *operand.params).to_floats() : constant.to_floats();
}

Shape padded_shape(const Shape& shape, size_t rank) {
  Shape padded(rank > shape.size() ? rank - shape.size() : 0, 1);
  padded.insert(padded.end(), shape.begin(), shape.end());
  return padded;
}

std::vector<float> channel_values(const Operand& operand, const Channels& channels) {
  if (!operand.constant()) return {};
  const Shape shape = operand.value->constant()->shape();
  if (shape.size() > channels.rank) return {};
  const Shape padded = padded_shape(shape, channels.rank);
  for (size_t d = 0; d < padded.size(); ++d)
    if (padded[d] != 1 && (d != channels.axis || padded[d] != channels.count)) return {};
  std::vector<float> values = real_values(operand);
  if (values.size() == 1) values.assign(static_cast<size_t>(channels.count), values[0]);
  return values;
}

Shape likely_shape(const Value& value, int64_t guess) {
  Shape shape;
  for (const Dim& dim : *value.type.dims) shape.push_back(dim.known() ? dim.value : shape.empty() ? 1 : guess);
  return shape;
}

/// A guess that the window of a convolution or pool fits into.
int64_t likely_extent(const Cluster& cluster) {
  int64_t guess = 16;
  if (cluster.root->is("Conv") && cluster.inputs.size() > 1 && cluster.inputs[1].constant())
    for (size_t i = 2; i < cluster.inputs[1].value->constant()->rank(); ++i)
      guess = std::max(guess, cluster.inputs[1].value->constant()->shape()[i]);
  for (const int64_t extent : cluster.root->attr_or("kernel_shape", std::vector<int64_t>{})) guess = std::max(guess, extent);
  return guess;
}

std::optional<std::vector<Shape>> likely_shapes(const Cluster& cluster) {
  const int64_t guess = likely_extent(cluster);
  std::vector<Shape> shapes;
  for (const Operand* operand : activations_of(cluster)) {
    if (!operand->value->type.dims) return std::nullopt;
    shapes.push_back(likely_shape(*operand->value, guess));
  }
  return shapes;
}

}  // namespace qtool::lowerings
