#include "ops/helpers/qlinear.h"

#include <algorithm>

#include "ops/helpers/infer.h"
#include "ops/helpers/numeric.h"
#include "tensor/quant_math.h"

namespace qtool {
namespace {

constexpr int64_t kOpset = 13;
constexpr std::string_view kMicrosoft = "com.microsoft";

QLinearForm unary(std::string_view op) { return {op, kOpset, {}, {{0, 1, 2, 1}}, {}, 3, 4}; }

QLinearForm binary(std::string_view op, int a_axis = 1, int b_axis = 1) {
  return {op, kOpset, {}, {{0, 1, 2, a_axis}, {3, 4, 5, b_axis}}, {}, 6, 7};
}

QLinearForm conv() {
  QLinearForm form = binary("Conv", 1, 0);
  form.bias = 8;
  return form;
}

QLinearForm gemm(const Node& node) {
  QLinearForm form = binary("Gemm", 0, node.attr_or("transB", 0) ? 0 : 1);
  form.bias = 6;
  form.y_scale = 7;
  form.y_zero = 8;
  return form;
}

QLinearForm where() { return {"Where", kOpset, {0}, {{1, 2, 3, 1}, {4, 5, 6, 1}}, {}, 7, 8}; }

/// Y_scale, Y_zero, then codes, scale, zero of each part.
QLinearForm concat(const Node& node) {
  QLinearForm form{"Concat", kOpset, {}, {}, {}, 0, 1};
  for (size_t i = 2; i + 2 < node.input_count(); i += 3) form.operands.push_back({i, i + 1, i + 2, 1});
  return form;
}

/// Softmax changed its meaning with opset 13; the node says which is meant.
QLinearForm softmax(const Node& node) {
  QLinearForm form = unary("Softmax");
  form.opset = node.attr_or("opset", kOpset);
  return form;
}

std::optional<QLinearForm> onnx_form(const Node& node) {
  if (node.op == "QLinearConv") return conv();
  if (node.op == "QLinearMatMul") return binary("MatMul", -2, -1);
  return std::nullopt;
}

std::optional<QLinearForm> microsoft_form(const Node& node) {
  if (node.attr_or("channels_last", 0) != 0) return std::nullopt;
  if (node.op == "QLinearConv") return conv();
  if (node.op == "QGemm") return gemm(node);
  if (node.op == "QLinearWhere") return where();
  if (node.op == "QLinearConcat") return concat(node);
  if (node.op == "QLinearSoftmax") return softmax(node);
  if (node.op == "QLinearAdd" || node.op == "QLinearMul") return binary(std::string_view(node.op) == "QLinearAdd" ? "Add" : "Mul");
  constexpr std::pair<std::string_view, std::string_view> kUnary[] = {{"QLinearSigmoid", "Sigmoid"},
                                                                      {"QLinearLeakyRelu", "LeakyRelu"},
                                                                      {"QLinearAveragePool", "AveragePool"},
                                                                      {"QLinearGlobalAveragePool", "GlobalAveragePool"},
                                                                      {"QLinearReduceMean", "ReduceMean"}};
  for (const auto& [name, op] : kUnary)
    if (node.op == name) return unary(op);
  return std::nullopt;
}

QLinearForm form_of(const Node& node) {
  auto form = qlinear_form(node);
  if (!form) throw unsupported("channels_last is not supported");
  return *form;
}

QuantParams params_of(const Tensor& scale, const Tensor& zero, DType dtype, int axis, size_t rank) {
  QuantParams params{dtype, scale.size() == 1 ? -1 : axis < 0 ? axis + static_cast<int>(rank) : axis, scale.to_floats(), {}};
  const std::vector<int64_t> zeros = zero.defined() ? zero.to_ints() : std::vector<int64_t>{0};
  for (size_t i = 0; i < params.scales.size(); ++i) params.zero_points.push_back(static_cast<int32_t>(zeros[zeros.size() == 1 ? 0 : i]));
  require(zeros.size() == 1 || zeros.size() == params.scales.size(), "a scale and its zero point differ in length");
  return params;
}

Tensor real(const QLinearForm::Operand& operand, TensorsIn in) {
  const Tensor& codes = input(in, operand.codes);
  const QuantParams params =
      params_of(input(in, operand.scale), optional_input(in, operand.zero), codes.dtype(), operand.axis, codes.rank());
  require(!params.per_channel() || (static_cast<size_t>(params.axis) < codes.rank() &&
                                    codes.shape()[static_cast<size_t>(params.axis)] == static_cast<int64_t>(params.scales.size())),
          "a vector of scales does not fit its codes");
  return dequantize(codes, params);
}

/// int32 in units of scale a * scale b (one a column, or one) * alpha.
Tensor real_bias(const QLinearForm& form, const Node& node, TensorsIn in) {
  const Tensor& bias = in[*form.bias];
  std::vector<double> values = to_doubles(bias);
  const double a = input(in, form.operands[0].scale).number_at(0) * static_cast<double>(node.attr_or("alpha", 1.0f));
  const std::vector<double> b = to_doubles(input(in, form.operands[1].scale));
  require(!b.empty(), "an empty scale");
  for (size_t i = 0; i < values.size(); ++i) values[i] *= a * b[i % b.size()];
  return from_doubles(DType::float32, bias.shape(), values);
}

}  // namespace

std::optional<QLinearForm> qlinear_form(const Node& node) {
  if (node.kind() != NodeKind::call_function) return std::nullopt;
  return node.domain.empty() ? onnx_form(node) : node.domain == kMicrosoft ? microsoft_form(node) : std::nullopt;
}

void eval_qlinear(const Node& node, TensorsIn in, TensorsOut out) {
  const QLinearForm form = form_of(node);
  std::vector<Tensor> reals;
  for (const size_t i : form.plain) reals.push_back(input(in, i));
  for (const auto& operand : form.operands) reals.push_back(real(operand, in));
  if (form.bias && optional_input(in, *form.bias).defined()) reals.push_back(real_bias(form, node, in));
  find_op("", form.float_op, form.opset)->eval(node, reals, out);
  if (!optional_input(in, form.y_scale).defined()) return;
  const Tensor& zero = optional_input(in, form.y_zero);
  const DType dtype = zero.defined() ? zero.dtype() : in[form.operands.at(0).codes].dtype();
  const QuantParams params = params_of(in[form.y_scale], zero, dtype, -1, 0);
  require(!params.per_channel() && params.scales.size() == 1, "the scale of the output must be one number");
  out[0] = quantize(out[0], params, full_range(dtype));
}

std::vector<ValueType> infer_qlinear(const Node& node, const InferInput& in) {
  const QLinearForm form = form_of(node);
  std::vector<ValueType> types;
  for (const size_t i : form.plain) types.push_back(type_of(in, i));
  for (const auto& operand : form.operands) types.push_back({DType::float32, dims_of(in, operand.codes)});
  const std::vector<const Tensor*> constants(types.size(), nullptr);
  std::vector<ValueType> result = find_op("", form.float_op, form.opset)->infer(node, {types, constants, form.opset});
  if (present(node, form.y_scale)) {
    result[0].dtype = dtype_of(in, form.y_zero);
    if (!present(node, form.y_zero) && !form.operands.empty()) result[0].dtype = dtype_of(in, form.operands[0].codes);
  }
  return result;
}

}  // namespace qtool
