#include "exec/onednn/products/activation.h"

#include <limits>
#include <string_view>

#include "graph/value.h"
#include "tensor/tensor.h"

namespace qtool::onednn {
namespace {

using dnnl::algorithm;
constexpr float kMax = std::numeric_limits<float>::max();

Activation clip(float lo, float hi) { return {Activation::Kind::clip, algorithm::eltwise_clip, lo, hi}; }
Activation affine(float scale, float shift) { return {Activation::Kind::affine, algorithm::eltwise_linear, scale, shift}; }
Activation curve(algorithm which, float alpha = 0, float beta = 0) { return {Activation::Kind::curve, which, alpha, beta}; }

/// Input i as a number; `absent` when omitted, nothing when it is no constant scalar.
std::optional<float> number(const Node& node, size_t i, float absent) {
  const Value* value = node.in(i);
  if (!value) return absent;
  const Tensor* constant = value->constant();
  if (!constant || constant->size() != 1) return std::nullopt;
  return static_cast<float>(constant->number_at(0));
}

std::optional<Activation> clip_of(const Node& node) {
  if (node.input_count() <= 1) return clip(node.attr_or("min", -kMax), node.attr_or("max", kMax));
  const auto lo = number(node, 1, -kMax), hi = number(node, 2, kMax);
  if (!lo || !hi) return std::nullopt;
  return clip(*lo, *hi);
}

/// Add, Sub, Mul, Div with one constant scalar.
std::optional<Activation> arithmetic_of(const Node& node) {
  const bool second = node.in(1) && node.in(1)->constant();
  const auto scalar = number(node, second ? 1 : 0, 0);
  if (!scalar) return std::nullopt;
  if (node.is("Add")) return affine(1, *scalar);
  if (node.is("Mul")) return affine(*scalar, 0);
  if (node.is("Sub")) return second ? affine(1, -*scalar) : affine(-1, *scalar);
  if (node.is("Div") && second && *scalar != 0) return affine(1 / *scalar, 0);
  return std::nullopt;
}

std::optional<Activation> gelu_of(const Node& node) {
  return curve(node.attr_or("approximate", "none") == "tanh" ? algorithm::eltwise_gelu_tanh : algorithm::eltwise_gelu_erf);
}

}  // namespace

std::optional<Activation> activation_of(const Node& node) {
  if (node.kind() != NodeKind::call_function || !node.domain.empty()) return std::nullopt;
  const std::string_view op = node.op;
  if (op == "Relu") return clip(0, kMax);
  if (op == "Clip") return clip_of(node);
  if (op == "LeakyRelu") return Activation{Activation::Kind::leaky, algorithm::eltwise_relu, node.attr_or("alpha", 0.01f), 0};
  if (op == "Add" || op == "Sub" || op == "Mul" || op == "Div") return arithmetic_of(node);
  if (op == "HardSwish") return curve(algorithm::eltwise_hardswish, 1.0f / 6, 0.5f);
  if (op == "HardSigmoid") return curve(algorithm::eltwise_hardsigmoid, node.attr_or("alpha", 0.2f), node.attr_or("beta", 0.5f));
  if (op == "Sigmoid") return curve(algorithm::eltwise_logistic);
  if (op == "Tanh") return curve(algorithm::eltwise_tanh);
  if (op == "Swish") return curve(algorithm::eltwise_swish, node.attr_or("alpha", 1.0f));
  if (op == "Gelu") return gelu_of(node);
  if (op == "Elu") return curve(algorithm::eltwise_elu, node.attr_or("alpha", 1.0f));
  if (op == "Softplus") return curve(algorithm::eltwise_soft_relu, 1);
  if (op == "Mish") return curve(algorithm::eltwise_mish);
  if (op == "Abs") return curve(algorithm::eltwise_abs);
  if (op == "Sqrt") return curve(algorithm::eltwise_sqrt);
  if (op == "Exp") return curve(algorithm::eltwise_exp);
  if (op == "Neg") return affine(-1, 0);
  if (op == "Identity") return affine(1, 0);
  return std::nullopt;
}

}  // namespace qtool::onednn
