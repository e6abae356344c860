#include "exec/kernels/elementwise/curves.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "tensor/tensor.h"

namespace qtool::lowerings {
namespace {

using kernels::CurveKind;
constexpr float kMax = std::numeric_limits<float>::infinity();
constexpr size_t kBlock = 2048;  ///< floats: a chain stays in the first-level cache

std::optional<float> number(const Node& node, size_t i, float absent) {
  if (!node.in(i)) return absent;
  const Tensor* constant = node.in(i)->constant();
  if (!constant || constant->size() != 1) return std::nullopt;
  return static_cast<float>(constant->number_at(0));
}

std::optional<Curves> clip_of(const Node& node) {
  if (node.input_count() <= 1) return Curves{{CurveKind::clip, node.attr_or("min", -kMax), node.attr_or("max", kMax)}};
  const auto lo = number(node, 1, -kMax), hi = number(node, 2, kMax);
  if (!lo || !hi) return std::nullopt;
  return Curves{{CurveKind::clip, *lo, *hi}};
}

std::optional<Curves> arithmetic_of(const Node& node) {
  const bool second = node.in(1) && node.in(1)->constant();
  const auto scalar = number(node, second ? 1 : 0, 0);
  if (!scalar) return std::nullopt;
  if (node.is("Add")) return Curves{{CurveKind::affine, 1, *scalar}};
  if (node.is("Mul")) return Curves{{CurveKind::affine, *scalar, 0}};
  if (node.is("Sub")) return second ? Curves{{CurveKind::affine, 1, -*scalar}} : Curves{{CurveKind::affine, -1, *scalar}};
  if (node.is("Div") && second) return Curves{{CurveKind::divide, *scalar}};
  if (node.is("Pow") && second && *scalar == 2) return Curves{{CurveKind::square}};
  return std::nullopt;
}

}  // namespace

std::optional<Curves> curves_of(const Node& node) {
  if (node.kind() != NodeKind::call_function || !node.domain.empty()) return std::nullopt;
  const std::string_view op = node.op;
  if (op == "Relu") return Curves{{CurveKind::clip, 0, kMax}};
  if (op == "Clip") return clip_of(node);
  if (op == "LeakyRelu") return Curves{{CurveKind::leaky, node.attr_or("alpha", 0.01f)}};
  if (op == "Add" || op == "Sub" || op == "Mul" || op == "Div" || op == "Pow") return arithmetic_of(node);
  if (op == "HardSwish") return Curves{{CurveKind::hard_swish}};
  if (op == "HardSigmoid") return Curves{{CurveKind::hard_sigmoid, node.attr_or("alpha", 0.2f), node.attr_or("beta", 0.5f)}};
  if (op == "Sigmoid") return Curves{{CurveKind::sigmoid}};
  if (op == "Swish") return Curves{{CurveKind::swish, node.attr_or("alpha", 1.0f)}};
  if (op == "Tanh") return Curves{{CurveKind::tanh}};
  if (op == "Exp") return Curves{{CurveKind::exp}};
  if (op == "Erf") return Curves{{CurveKind::erf}};
  if (op == "Gelu") return Curves{{node.attr_or("approximate", "none") == "tanh" ? CurveKind::gelu_tanh : CurveKind::gelu_erf}};
  if (op == "Elu") return Curves{{CurveKind::elu, node.attr_or("alpha", 1.0f)}};
  if (op == "Abs") return Curves{{CurveKind::abs}};
  if (op == "Sqrt") return Curves{{CurveKind::sqrt}};
  if (op == "Neg") return Curves{{CurveKind::affine, -1, 0}};
  return std::nullopt;
}

std::optional<Curves> curves_of(std::span<const PostOp> post_ops) {
  Curves all;
  for (const PostOp& post : post_ops) {
    const auto curves = post.kind == PostOp::Kind::activation ? curves_of(*post.node) : std::nullopt;
    if (!curves) return std::nullopt;
    all.insert(all.end(), curves->begin(), curves->end());
  }
  return all;
}

std::optional<Bounds> bounds_of(std::span<const PostOp> post_ops) {
  Bounds bounds;
  const auto curves = curves_of(post_ops);
  if (!curves) return std::nullopt;
  for (const CurveStep& curve : *curves) {
    if (curve.kind != CurveKind::clip) return std::nullopt;
    bounds.low = std::min(std::max(bounds.low, curve.alpha), curve.beta);
    bounds.high = std::min(std::max(bounds.high, curve.alpha), curve.beta);
  }
  return bounds;
}

void apply(const Curves& curves, const float* in, float* out, size_t n) {
  if (curves.empty() && in != out) std::memcpy(out, in, n * sizeof(float));
  const auto& kernel = kernels::best<kernels::Curve>();
  for (size_t from = 0; from < n; from += kBlock)
    for (size_t i = 0; i < curves.size(); ++i)
      kernel.run({curves[i].kind, curves[i].alpha, curves[i].beta, (i == 0 ? in : out) + from, out + from, std::min(kBlock, n - from)});
}

}  // namespace qtool::lowerings
