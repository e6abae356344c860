// MatMul and Gemm on codes, and MatMulIntegerToFloat: the rows of the input times a constant matrix.

#include <algorithm>

#include "exec/arm/lowerings.h"
#include "exec/arm/products/rows.h"
#include "exec/arm/products/run.h"
#include "exec/kernels/elementwise/table.h"
#include "exec/kernels/products/passes.h"

namespace qtool::arm {
namespace {

size_t rank_of(const Operand& operand) {
  if (operand.constant()) return operand.value->constant()->rank();
  return operand.value->type.dims ? operand.value->type.dims->size() : 0;
}

/// A matrix with its dimensions exchanged.
Tensor turned(const Tensor& x, StepContext& context) {
  const auto rows = static_cast<size_t>(x.shape()[0]), columns = static_cast<size_t>(x.shape()[1]);
  Tensor result = context.pool.tensor(x.dtype(), {x.shape()[1], x.shape()[0]});
  kernels::best<kernels::Transpose>().run({x.bytes(), result.mutable_bytes(), rows, columns, columns, rows, 1});
  return result;
}

/// x [.., M, K] times [K, N].
class MatMulStep : public Step, public TakesTable {
 public:
  MatMulStep(const CodeProduct& product, bool transpose_x, bool transposed, const Ending& ending)
      : in_dtype_(product.in_dtype), transpose_x_(transpose_x), ending_(ending) {
    const auto rows = static_cast<size_t>(product.weights.shape()[0]), columns = static_cast<size_t>(product.weights.shape()[1]);
    const WeightView view = transposed ? WeightView{0, {0}, columns, 1, rows, columns} : WeightView{0, {0}, rows, columns, columns, 1};
    columns_ = make_columns(product, view, 0, ending);
  }

  bool take(const Table& table, DType to) override {
    if (ending_.form != kernels::GemmForm::codes) return false;
    table_ = table;
    ending_.dtype = to;
    return true;
  }

  void run(StepInputs inputs, std::span<Array> outputs, StepContext& context) override {
    expect_type(*inputs[0], in_dtype_);
    if (transpose_x_ && inputs[0]->tensor.rank() != 2) throw CannotRun("no matrix");
    const Tensor x = transpose_x_ ? turned(inputs[0]->tensor, context) : inputs[0]->tensor;
    Shape out = x.shape();
    if (out.size() < 2 || out.back() != depth()) throw CannotRun("other inner dimensions");
    out.back() = static_cast<int64_t>(columns_.packing.n);
    outputs[0] = {context.pool.tensor(ending_.dtype, out), Layout::plain};
    if (outputs[0].tensor.size() == 0) return;
    const SignedCodes a(x, context);
    kernels::GemmArgs args = arguments_of(columns_, ending_, table_ ? table_->data() : nullptr);
    args.a = a.data(), args.a_stride = columns_.packing.depth;
    args.m = static_cast<size_t>(x.size() / depth());
    args.out = outputs[0].tensor.mutable_bytes(), args.out_stride = columns_.packing.n;
    run_rows(args, context.threads);
  }

  std::string kernel() const override { return gemm_name(columns_.lowest) + (table_ ? "+table" : ""); }

 private:
  int64_t depth() const { return static_cast<int64_t>(columns_.packing.depth); }

  const DType in_dtype_;
  const bool transpose_x_;
  Ending ending_;
  Columns columns_;
  std::optional<Table> table_;
};

void scale_by(CodeProduct& product, const Cluster& cluster, int64_t columns, float alpha, float beta) {
  for (float& factor : product.factors) factor *= alpha;
  if (beta == 1) return;
  const std::vector<float> bias = real_bias(cluster.inputs.size() > 2 ? &cluster.inputs[2] : nullptr, columns);
  for (size_t c = 0; c < bias.size(); ++c) product.bias[c] += static_cast<double>(beta * bias[c]) - bias[c];
}

bool bias_over_columns(const Cluster& cluster, int64_t columns) {
  if (cluster.inputs.size() < 3 || !cluster.inputs[2].constant()) return true;
  const Shape& shape = cluster.inputs[2].value->constant()->shape();
  return element_count(shape) == 1 || (element_count(shape) == columns && shape.back() == columns);
}

LowerResult lower_constant(const Model& model, const Cluster& cluster, bool transpose_x, bool transposed, float alpha, float beta) {
  const Shape& shape = cluster.inputs[1].value->constant()->shape();
  const int64_t depth = shape[transposed ? 1 : 0], columns = shape[transposed ? 0 : 1];
  const size_t rank = rank_of(cluster.inputs[0]);
  const Channels channels{rank, rank - 1, columns};
  if (!cluster.inputs[0].quantized()) return Declined{"no kernel for floats"};
  if (depth < 1 || columns < 1 || depth > kDeepest) return Declined{"empty, or deeper than the kernel sums up"};
  if (!bias_over_columns(cluster, columns)) return Declined{"the bias is no vector over the columns"};
  std::string reason;
  auto product = read_code_product(cluster, transposed ? 0 : 1, channels, reason);
  const size_t first = leading_constants(cluster, channels);
  auto divided = product ? divide(model, cluster, first, reason) : std::nullopt;
  if (!divided) return Declined{reason};
  scale_by(*product, cluster, columns, alpha, beta);
  const auto ending = ending_of(divided->head, first);
  if (!ending) return Declined{"no kernel for what follows"};
  return with_passes({std::make_unique<MatMulStep>(*product, transpose_x, transposed, *ending), LayoutRule::plain}, std::move(*divided));
}

}  // namespace

LowerResult lower_matmul(const Model& model, const Cluster& cluster) {
  const Operand &a = cluster.inputs[0], &b = cluster.inputs[1];
  if (rank_of(a) < 2 || rank_of(b) < 2) return Declined{"an operand is a vector, or of unknown rank"};
  if (b.constant() && rank_of(b) == 2 && !a.constant()) return lower_constant(model, cluster, false, false, 1, 1);
  if (a.constant() || b.constant()) return Declined{"a constant operand that is no matrix on the right"};
  return lower_two_activations(model, cluster);
}

LowerResult lower_gemm(const Model& model, const Cluster& cluster) {
  const Node& node = *cluster.root;
  if (!cluster.inputs[1].constant() || rank_of(cluster.inputs[1]) != 2 || rank_of(cluster.inputs[0]) != 2 || cluster.inputs[0].constant())
    return Declined{"the weight is no constant matrix"};
  return lower_constant(model, cluster, node.attr_or("transA", 0) != 0, node.attr_or("transB", 0) != 0, node.attr_or("alpha", 1.0f),
                        node.attr_or("beta", 1.0f));
}

}  // namespace qtool::arm
