// MatMul and Gemm on codes and on floats: the rows of the input times a constant matrix.

#include <algorithm>

#include "exec/kernels/products/code_side.h"
#include "exec/kernels/products/float_side.h"
#include "exec/kernels/products/kernel_products.h"
#include "exec/kernels/products/matmul_step.h"
#include "exec/kernels/products/packed_side.h"
#include "exec/kernels/products/passes.h"

namespace qtool::lowerings {

Tensor turned(const Tensor& x, StepContext& context) {
  const auto rows = static_cast<size_t>(x.shape()[0]), columns = static_cast<size_t>(x.shape()[1]);
  Tensor result = context.pool.tensor(x.dtype(), {x.shape()[1], x.shape()[0]});
  kernels::best<kernels::Transpose>().run({x.bytes(), result.mutable_bytes(), rows, columns, columns, rows, element_size(x.dtype())});
  return result;
}

namespace {

size_t rank_of(const Operand& operand) {
  if (operand.constant()) return operand.value->constant()->rank();
  return operand.value->type.dims ? operand.value->type.dims->size() : 0;
}

/// [K, N], or its transpose.
WeightView view_of(const Shape& shape, bool transpose_w) {
  const auto rows = static_cast<size_t>(shape[0]), columns = static_cast<size_t>(shape[1]);
  return transpose_w ? WeightView{0, {0}, columns, 1, rows, columns} : WeightView{0, {0}, rows, columns, columns, 1};
}

/// The step of a side that is to hold its weights as a matrix.
template <class Rows, class Side>
std::unique_ptr<Step> matmul_step(Side side, bool transpose_x, bool transpose_w) {
  side.add(view_of(side.weights().shape(), transpose_w), 0);
  side.finish();
  return std::make_unique<MatMulStep<Side, Rows>>(std::move(side), transpose_x);
}

/// alpha and beta of Gemm; `own`: the bias alone.
struct Factors {
  float alpha = 1, beta = 1;

  void scale(CodeProduct& product, const std::vector<float>& own) const {
    for (float& factor : product.factors) factor *= alpha;
    for (size_t c = 0; c < own.size(); ++c) product.bias[c] += static_cast<double>(beta * own[c]) - own[c];
  }
  void scale(FloatProduct& product, const std::vector<float>& own) const {
    if (alpha != 1)
      for (float& weight : product.weights.mutable_data<float>()) weight *= alpha;
    for (size_t c = 0; c < own.size(); ++c) product.bias[c] += beta * own[c] - own[c];
  }
};

bool bias_over_columns(const Cluster& cluster, int64_t columns) {
  if (cluster.inputs.size() < 3 || !cluster.inputs[2].constant()) return true;
  const Shape& shape = cluster.inputs[2].value->constant()->shape();
  return element_count(shape) == 1 || (element_count(shape) == columns && shape.back() == columns);
}

struct Transposed {
  bool x = false, w = false;
};

/// s8 weights of a product of floats whose scales, one or one a column, are not scaled any more; else nothing.
std::optional<Tensor> packed_weights(const Operand& w, Transposed transposed, const Factors& factors) {
  if (!w.quantized() || factors.alpha != 1) return std::nullopt;
  return centred_weights(w, transposed.w ? 0 : 1);
}

const Operand* bias_of(const Cluster& cluster) { return cluster.inputs.size() > 2 ? &cluster.inputs[2] : nullptr; }

std::vector<float> column_scales(const QuantParams& params, int64_t columns) {
  return params.per_channel() ? params.scales : std::vector<float>(static_cast<size_t>(columns), params.scale());
}

LowerResult lower_constant(const Model& model, const Cluster& cluster, Transposed transposed, Factors factors, const CodeKernel& kernel) {
  const Shape& shape = cluster.inputs[1].value->constant()->shape();
  const int64_t depth = shape[transposed.w ? 1 : 0], columns = shape[transposed.w ? 0 : 1];
  const size_t rank = rank_of(cluster.inputs[0]);
  const Channels channels{rank, rank - 1, columns};
  if (depth < 1 || columns < 1 || depth > kDeepest) return Declined{"empty, or deeper than the kernel sums up"};
  if (!bias_over_columns(cluster, columns)) return Declined{"the bias is no vector over the columns"};
  const bool codes = cluster.inputs[0].quantized();
  const size_t first = leading_constants(cluster, channels);
  std::string reason;
  auto divided = divide(model, cluster, codes ? HeadKind::codes : HeadKind::clamped_floats, first, reason);
  if (!divided) return Declined{reason};
  const bool biased = cluster.inputs.size() > 2 && cluster.inputs[2].constant() && factors.beta != 1;
  const std::vector<float> bias = biased ? real_bias(&cluster.inputs[2], columns) : std::vector<float>();
  std::unique_ptr<Step> step;
  if (codes) {
    auto product = read_code_product(divided->head, transposed.w ? 0 : 1, channels, reason);
    const auto ending = ending_of(divided->head, first);
    if (!product || !ending) return Declined{product ? "no kernel for what follows" : reason};
    factors.scale(*product, bias);
    step = matmul_step<CodeRows>(CodeSide(std::move(*product), *ending, kernel), transposed.x, transposed.w);
  } else if (auto weights = packed_weights(cluster.inputs[1], transposed, factors)) {
    auto product = read_packed_product(divided->head, bias_of(cluster), channels, first, reason);
    if (!product) return Declined{reason};
    factors.scale(*product, bias);
    const Groups groups{static_cast<size_t>(depth), column_scales(*cluster.inputs[1].params, columns), {}};
    ByteCodes packed(view_of(weights->shape(), transposed.w), weights->data<int8_t>().data(), groups);
    step = std::make_unique<MatMulStep<PackedSide<ByteCodes>, FloatRows>>(PackedSide(std::move(packed), std::move(*product)), transposed.x);
  } else {
    auto product = read_float_product(divided->head, channels, first, reason);
    if (!product) return Declined{reason};
    factors.scale(*product, bias);
    step = matmul_step<FloatRows>(FloatSide(std::move(*product)), transposed.x, transposed.w);
  }
  return with_passes({std::move(step), LayoutRule::plain}, std::move(*divided));
}

}  // namespace

LowerResult lower_kernel_matmul(const Model& model, const Cluster& cluster, const CodeKernel& kernel) {
  const Operand &a = cluster.inputs[0], &b = cluster.inputs[1];
  if (rank_of(a) < 2 || rank_of(b) < 2) return Declined{"an operand is a vector, or of unknown rank"};
  if (b.constant() && rank_of(b) == 2 && !a.constant()) return lower_constant(model, cluster, {}, {}, kernel);
  if (a.constant() || b.constant()) return Declined{"a constant operand that is no matrix on the right"};
  return lower_two_activations(model, cluster, kernel);
}

LowerResult lower_kernel_gemm(const Model& model, const Cluster& cluster, const CodeKernel& kernel) {
  const Node& node = *cluster.root;
  if (!cluster.inputs[1].constant() || rank_of(cluster.inputs[1]) != 2 || rank_of(cluster.inputs[0]) != 2 || cluster.inputs[0].constant())
    return Declined{"the weight is no constant matrix"};
  return lower_constant(model, cluster, {node.attr_or("transA", 0) != 0, node.attr_or("transB", 0) != 0},
                        {node.attr_or("alpha", 1.0f), node.attr_or("beta", 1.0f)}, kernel);
}

}  // namespace qtool::lowerings
