// MatMul and Gemm on codes and on floats: the rows of the input times a constant matrix.

#include <algorithm>

#include "exec/kernels/products/code_side.h"
#include "exec/kernels/products/float_side.h"
#include "exec/kernels/products/kernel_products.h"
#include "exec/kernels/products/packed_side.h"
#include "exec/kernels/products/passes.h"
#include "exec/kernels/products/rows.h"
#include "exec/kernels/products/run.h"

namespace qtool::lowerings {
namespace {

size_t rank_of(const Operand& operand) {
  if (operand.constant()) return operand.value->constant()->rank();
  return operand.value->type.dims ? operand.value->type.dims->size() : 0;
}

/// A matrix with its dimensions exchanged.
Tensor turned(const Tensor& x, StepContext& context) {
  const auto rows = static_cast<size_t>(x.shape()[0]), columns = static_cast<size_t>(x.shape()[1]);
  Tensor result = context.pool.tensor(x.dtype(), {x.shape()[1], x.shape()[0]});
  kernels::best<kernels::Transpose>().run({x.bytes(), result.mutable_bytes(), rows, columns, columns, rows, element_size(x.dtype())});
  return result;
}

/// x [.., M, K] times [K, N].
template <class Side, class Rows>
class MatMulStep : public Step, public TakesTable {
 public:
  MatMulStep(Side side, bool transpose_x, bool transpose_w) : side_(std::move(side)), transpose_x_(transpose_x) {
    const auto rows = static_cast<size_t>(side_.weights().shape()[0]), columns = static_cast<size_t>(side_.weights().shape()[1]);
    side_.add(transpose_w ? WeightView{0, {0}, columns, 1, rows, columns} : WeightView{0, {0}, rows, columns, columns, 1}, 0);
    side_.finish();
  }

  bool take(const Table& table, DType to) override { return side_.take(table, to); }

  void run(StepInputs inputs, std::span<Array> outputs, StepContext& context) override {
    expect_type(*inputs[0], side_.in_dtype());
    if (transpose_x_ && inputs[0]->tensor.rank() != 2) throw CannotRun("no matrix");
    const Tensor x = transpose_x_ ? turned(inputs[0]->tensor, context) : inputs[0]->tensor;
    const auto depth = static_cast<int64_t>(side_.packing().depth), columns = static_cast<int64_t>(side_.packing().n);
    Shape out = x.shape();
    if (out.size() < 2 || out.back() != depth) throw CannotRun("other inner dimensions");
    out.back() = columns;
    outputs[0] = {context.pool.tensor(side_.out_dtype(), out), Layout::plain};
    if (outputs[0].tensor.size() == 0) return;
    const Rows rows(x, side_.flips(), context);
    auto args = side_.arguments(0);
    args.a = rows.data(), args.a_stride = side_.packing().depth;
    args.m = static_cast<size_t>(x.size() / depth), args.out_stride = side_.packing().n;
    run_rows(side_, args, outputs[0].tensor.mutable_bytes(), context.threads);
  }

  std::string kernel() const override { return side_.kernel(); }

 private:
  Side side_;
  const bool transpose_x_;
};

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
    step = std::make_unique<MatMulStep<CodeSide, CodeRows>>(CodeSide(std::move(*product), *ending, kernel), transposed.x, transposed.w);
  } else if (auto weights = packed_weights(cluster.inputs[1], transposed, factors)) {
    auto product = read_packed_product(std::move(*weights), divided->head, channels, first, reason);
    if (!product) return Declined{reason};
    factors.scale(*product, bias);
    PackedSide side(std::move(*product), column_scales(*cluster.inputs[1].params, columns));
    step = std::make_unique<MatMulStep<PackedSide, FloatRows>>(std::move(side), transposed.x, transposed.w);
  } else {
    auto product = read_float_product(divided->head, channels, first, reason);
    if (!product) return Declined{reason};
    factors.scale(*product, bias);
    step = std::make_unique<MatMulStep<FloatSide, FloatRows>>(FloatSide(std::move(*product)), transposed.x, transposed.w);
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
