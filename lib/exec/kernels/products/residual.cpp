#include "exec/kernels/products/residual.h"

#include "exec/kernels/products/code_product.h"
#include "exec/kernels/products/operands.h"

namespace qtool::lowerings {
namespace {

bool same_shape(const Value* a, const Value* b) { return a && b && a->type.dims && b->type.dims && *a->type.dims == *b->type.dims; }

bool is_residual(const Cluster& cluster, size_t first) {
  const auto& posts = cluster.post_ops;
  if (posts.size() < first + 2 || posts[first].kind != PostOp::Kind::requantize || posts[first + 1].kind != PostOp::Kind::add) return false;
  const Operand& other = posts[first + 1].operand;
  return per_tensor_8bit({nullptr, posts[first].params}) && per_tensor_8bit(other) && !other.constant() &&
         per_tensor_8bit(cluster.outputs[0]) && same_shape(other.value, cluster.outputs[0].value);
}

/// z = (c - inner zero point) * inner scale + (other - its zero point) * its scale, in steps of the output.
kernels::GemmSecond second_of(const QuantParams& inner, const QuantParams& other, const QuantParams& out, const CodeBounds& bounds) {
  const double step = out.scale(), c = inner.scale() / step, o = other.scale() / step;
  kernels::GemmSecond second;
  second.is_signed = other.dtype == DType::int8;
  second.scale = static_cast<float>(c), second.other_scale = static_cast<float>(o);
  second.shift = static_cast<float>(-o * (other.zero_point() + (second.is_signed ? 128 : 0)));
  second.zero_point = out.zero_point(), second.lo = bounds.lo, second.hi = bounds.hi;
  return second;
}

}  // namespace

std::optional<Residual> residual_of(const Cluster& cluster, size_t first) {
  const auto bounds = cluster.outputs.size() == 1 && is_residual(cluster, first) ? bounds_behind(cluster, first + 2) : std::nullopt;
  if (!bounds) return std::nullopt;
  const QuantParams& inner = *cluster.post_ops[first].params;
  const Operand& other = cluster.post_ops[first + 1].operand;
  Residual residual{cluster, input_index(cluster, other), other.params->dtype, cluster.outputs[0].params->dtype,
                    second_of(inner, *other.params, *cluster.outputs[0].params, *bounds)};
  residual.head.outputs[0].params = inner;
  residual.head.post_ops.resize(first);
  return residual;
}

const uint8_t* other_of(const Residual* residual, StepInputs inputs, const Shape& out) {
  if (!residual) return nullptr;
  const Array& other = *inputs[static_cast<size_t>(residual->input)];
  expect_type(other, residual->in_dtype);
  if (other.tensor.shape() != out) throw CannotRun("a residual connection of another shape");
  return codes_in(other);
}

}  // namespace qtool::lowerings
