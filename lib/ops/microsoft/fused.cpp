// com.microsoft operators that ONNX Runtime's optimizer makes of several of ONNX: Gelu, FastGelu, BiasGelu, QuickGelu, FusedMatMul,
// SkipLayerNormalization.
#include <cmath>

#include "ops/helpers/elementwise.h"
#include "ops/helpers/infer.h"
#include "ops/helpers/matmul.h"
#include "ops/helpers/numeric.h"
#include "ops/helpers/strided.h"

namespace qtool {
namespace {

void run(std::string_view op, int64_t opset, const Node& node, std::initializer_list<Tensor> in, TensorsOut out) {
  const std::vector<Tensor> inputs(in);
  find_op("", op, opset)->eval(node, inputs, out);
}

Tensor sum(const Node& node, const Tensor& a, const Tensor& b) {
  if (!b.defined()) return a;
  std::vector<Tensor> out(1);
  run("Add", 14, node, {a, b}, out);
  return out[0];
}

double erf_gelu(double x) { return x / 2 * (1 + std::erf(x / std::sqrt(2.0))); }
double tanh_gelu(double x) { return x / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); }

void gelu(const Node& node, TensorsIn in, TensorsOut out) { out[0] = map_real(sum(node, input(in, 0), optional_input(in, 1)), erf_gelu); }
void fast_gelu(const Node& node, TensorsIn in, TensorsOut out) {
  out[0] = map_real(sum(node, input(in, 0), optional_input(in, 1)), tanh_gelu);
}

/// x * sigmoid(alpha x)
void quick_gelu(const Node& node, TensorsIn in, TensorsOut out) {
  out[0] =
      map_real(input(in, 0), [a = static_cast<double>(node.attr_or("alpha", 1.702f))](double x) { return x / (1 + std::exp(-a * x)); });
}

Tensor last_two_turned(const Tensor& x, bool turn) {
  if (!turn || x.rank() < 2) return x;
  std::vector<int64_t> order(x.rank());
  for (size_t d = 0; d < order.size(); ++d) order[d] = static_cast<int64_t>(d);
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return permuted(x, order);
}

/// alpha * a' b', either turned in its last two dimensions.
void fused_matmul(const Node& node, TensorsIn in, TensorsOut out) {
  if (node.attr_or("transBatchA", 0) || node.attr_or("transBatchB", 0)) throw unsupported("transBatchA and transBatchB are not supported");
  const Tensor &a = input(in, 0), &b = input(in, 1);
  const Tensor y = matmul(last_two_turned(a, node.attr_or("transA", 0) != 0), last_two_turned(b, node.attr_or("transB", 0) != 0));
  out[0] = map_real(y, [alpha = static_cast<double>(node.attr_or("alpha", 1.0f))](double x) { return alpha * x; }).cast(a.dtype());
}

TypeList infer_fused_matmul(const Node& node, const InferInput& in) {
  Dims a = dims_of(in, 0), b = dims_of(in, 1);
  if (a && a->size() > 1 && node.attr_or("transA", 0)) std::swap(a->back(), (*a)[a->size() - 2]);
  if (b && b->size() > 1 && node.attr_or("transB", 0)) std::swap(b->back(), (*b)[b->size() - 2]);
  return outputs(node, {{dtype_of(in, 0), matmul_dims(a, b)}});
}

/// Inputs x, skip, gamma, beta, bias; outputs y, mean, 1 / deviation, x + skip + bias.
void skip_layer_normalization(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor whole = sum(node, sum(node, input(in, 0), input(in, 1)), optional_input(in, 4));
  std::vector<Tensor> normalized(3);
  run("LayerNormalization", 17, node, {whole, input(in, 2), optional_input(in, 3)}, normalized);
  for (size_t i = 0; i < 3; ++i) assign(out, i, normalized[i]);
  assign(out, 3, whole);
}

TypeList infer_skip(const Node& node, const InferInput& in) {
  return outputs(node, {type_of(in, 0), {DType::float32, {}}, {DType::float32, {}}, type_of(in, 0)});
}

}  // namespace

extern const OpDef kMicrosoftGelu1{.name = "Gelu", .infer = infer_same, .eval = gelu, .domain = "com.microsoft"};
extern const OpDef kBiasGelu1{.name = "BiasGelu", .infer = infer_same, .eval = gelu, .domain = "com.microsoft"};
extern const OpDef kFastGelu1{.name = "FastGelu", .infer = infer_same, .eval = fast_gelu, .domain = "com.microsoft"};
extern const OpDef kQuickGelu1{.name = "QuickGelu", .infer = infer_same, .eval = quick_gelu, .domain = "com.microsoft"};
extern const OpDef kFusedMatMul1{.name = "FusedMatMul", .infer = infer_fused_matmul, .eval = fused_matmul, .domain = "com.microsoft"};
extern const OpDef kSkipLayerNormalization1{
    .name = "SkipLayerNormalization", .infer = infer_skip, .eval = skip_layer_normalization, .domain = "com.microsoft"};

}  // namespace qtool
