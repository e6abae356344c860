// Operators on codes: ConvInteger, MatMulInteger (sums in int32), QLinearConv, QLinearMatMul (requantized), DynamicQuantizeLinear.
#include <algorithm>
#include <cmath>

#include "ops/helpers/conv.h"
#include "ops/helpers/infer.h"
#include "ops/helpers/matmul.h"
#include "ops/helpers/numeric.h"
#include "ops/helpers/quantized.h"
#include "tensor/quant_math.h"

namespace qtool {
namespace {

void conv_integer(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor &x = input(in, 0), &w = input(in, 1);
  const ConvGeometry geometry = conv_geometry(node, x.shape(), w.shape());
  out[0] = convolve(centered(x, optional_input(in, 2), 1), centered(w, optional_input(in, 3), 0), geometry).cast(DType::int32);
}

/// A vector of zero points of A is one a row, of B one a column.
void matmul_integer(const Node&, TensorsIn in, TensorsOut out) {
  const Tensor &a = input(in, 0), &b = input(in, 1);
  const Tensor &za = optional_input(in, 2), &zb = optional_input(in, 3);
  out[0] = matmul(centered(a, za, a.rank() > 1 ? -2 : -1), centered(b, zb, -1)).cast(DType::int32);
}

std::vector<double> ratios(const Tensor& a, const Tensor& b, const Tensor& y) {
  require(a.size() == 1 && y.size() == 1, "the scales of activations must be one number");
  std::vector<double> found;
  for (const double scale : to_doubles(b)) found.push_back(a.number_at(0) * scale / y.number_at(0));
  return found;
}

/// Inputs x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias (int32 in units of x_scale * w_scale).
void qlinear_conv(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor &x = input(in, 0), &w = input(in, 3);
  Tensor sums = convolve(centered(x, input(in, 2), 1), centered(w, input(in, 5), 0), conv_geometry(node, x.shape(), w.shape()));
  if (const Tensor& bias = optional_input(in, 8); bias.defined()) add_channel_bias(sums, bias);
  out[0] = requantized(sums, ratios(input(in, 1), input(in, 4), input(in, 6)), 1, input(in, 7));
}

void qlinear_matmul(const Node&, TensorsIn in, TensorsOut out) {
  const Tensor &a = input(in, 0), &b = input(in, 3);
  const Tensor sums = matmul(centered(a, input(in, 2), -2), centered(b, input(in, 5), -1));
  out[0] = requantized(sums, ratios(input(in, 1), input(in, 4), input(in, 6)), -1, input(in, 7));
}

/// scale = (max(x, 0) - min(x, 0)) / 255, zero point = saturate(round(-min / scale)); y = codes of x.
void dynamic_quantize_linear(const Node&, TensorsIn in, TensorsOut out) {
  const Tensor& x = input(in, 0);
  float lo = 0, hi = 0;
  for (const float value : x.floats()) {
    lo = std::min(lo, value);
    hi = std::max(hi, value);
  }
  const QuantParams params = dynamic_params(lo, hi);
  out[0] = quantize(x, params, full_range(DType::uint8));
  assign(out, 1, Tensor::scalar(params.scale()));
  assign(out, 2, Tensor::scalar(static_cast<uint8_t>(params.zero_point())));
}

TypeList infer_conv_integer(const Node& node, const InferInput& in) { return infer_conv(node, in, DType::int32, 1); }
TypeList infer_qlinear_conv(const Node& node, const InferInput& in) { return infer_conv(node, in, dtype_of(in, 7), 3); }
TypeList infer_matmul_integer(const Node& node, const InferInput& in) {
  return outputs(node, {{DType::int32, matmul_dims(dims_of(in, 0), dims_of(in, 1))}});
}
TypeList infer_qlinear_matmul(const Node& node, const InferInput& in) {
  return outputs(node, {{dtype_of(in, 7), matmul_dims(dims_of(in, 0), dims_of(in, 3))}});
}
TypeList infer_dynamic_quantize(const Node& node, const InferInput& in) {
  return outputs(node, {{DType::uint8, dims_of(in, 0)}, ValueType::of(DType::float32, {}), ValueType::of(DType::uint8, {})});
}

int64_t macs_conv(const Node&, std::span<const Shape> in, std::span<const Shape> out) { return conv_macs(out, in[1]); }
int64_t macs_qconv(const Node&, std::span<const Shape> in, std::span<const Shape> out) { return conv_macs(out, in[3]); }
int64_t macs_matmul(const Node&, std::span<const Shape> in, std::span<const Shape> out) { return matmul_macs(in, out); }

}  // namespace

extern const OpDef kConvInteger10{.name = "ConvInteger", .since = 10, .infer = infer_conv_integer, .eval = conv_integer, .macs = macs_conv};
extern const OpDef kMatMulInteger10{
    .name = "MatMulInteger", .since = 10, .infer = infer_matmul_integer, .eval = matmul_integer, .macs = macs_matmul};
extern const OpDef kQLinearConv10{
    .name = "QLinearConv", .since = 10, .infer = infer_qlinear_conv, .eval = qlinear_conv, .macs = macs_qconv};
extern const OpDef kQLinearMatMul10{
    .name = "QLinearMatMul", .since = 10, .infer = infer_qlinear_matmul, .eval = qlinear_matmul, .macs = macs_matmul};
extern const OpDef kDynamicQuantizeLinear11{
    .name = "DynamicQuantizeLinear", .since = 11, .infer = infer_dynamic_quantize, .eval = dynamic_quantize_linear};

}  // namespace qtool
