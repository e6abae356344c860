// MatMul: numpy.matmul. Gemm: alpha * A' * B' + beta * C, A' and B' transposed on demand, C broadcast.
#include "ops/helpers/matmul.h"

#include "ops/helpers/broadcast.h"
#include "ops/helpers/gemm.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

Tensor widened(const Tensor& x) { return x.dtype() == DType::float64 ? x : x.cast(DType::float32); }

/// Integers wrap.
Tensor integer_product(const Tensor& a, const Tensor& b) {
  const MatmulGeometry g = matmul_geometry(a.shape(), b.shape());
  Tensor out(DType::int64, g.output);
  const Tensor left = a.cast(DType::int64), right = b.cast(DType::int64);
  const auto *pa = elements<uint64_t>(left), *pb = elements<uint64_t>(right);
  auto* to = elements<uint64_t>(out);
  const Shape a_strides = broadcast_strides(g.a_batch, g.batch), b_strides = broadcast_strides(g.b_batch, g.batch);
  for_each_index(g.batch, [&](const Shape& index) {
    const auto *x = pa + offset_of(index, a_strides) * g.m * g.k, *y = pb + offset_of(index, b_strides) * g.k * g.n;
    for (int64_t i = 0; i < g.m; ++i)
      for (int64_t j = 0; j < g.n; ++j) {
        uint64_t total = 0;
        for (int64_t p = 0; p < g.k; ++p) total += x[i * g.k + p] * y[p * g.n + j];
        *to++ = total;
      }
  });
  return out.cast(a.dtype());
}

void eval_matmul(const Node&, TensorsIn in, TensorsOut out) {
  const Tensor &a = input(in, 0), &b = input(in, 1);
  if (a.dtype() != b.dtype()) refuse_type(b.dtype());
  out[0] = is_integer(a.dtype()) ? integer_product(a, b) : matmul(widened(a), widened(b)).cast(a.dtype());
}

TypeList infer_matmul(const Node& node, const InferInput& in) {
  return outputs(node, {{dtype_of(in, 0), matmul_dims(dims_of(in, 0), dims_of(in, 1))}});
}

Tensor transposed(const Tensor& x, bool transpose) {
  if (!transpose) return x;
  const int64_t rows = x.shape()[0], columns = x.shape()[1];
  Tensor out(x.dtype(), {columns, rows});
  dispatch_width(x.dtype(), [&](auto kind) {
    using T = decltype(kind);
    const T* from = elements<T>(x);
    T* to = elements<T>(out);
    for (int64_t c = 0; c < columns; ++c)
      for (int64_t r = 0; r < rows; ++r) *to++ = from[r * columns + c];
  });
  return out;
}

/// sums = alpha * sums + beta * C.
void scale_and_add(Tensor& sums, double alpha, double beta, const Tensor& c) {
  double* to = elements<double>(sums);
  for (int64_t i = 0; i < sums.size(); ++i) to[i] *= alpha;
  if (!c.defined() || beta == 0) return;
  const Tensor addend = c.cast(DType::float64);
  const double* from = elements<double>(addend);
  BroadcastWalk(sums.shape(), {c.shape()}).for_each_row([&](const BroadcastWalk::Row& row) {
    for (int64_t i = 0; i < row.length; ++i) to[row.out + i] += beta * from[row.at[0] + i * row.steps[0]];
  });
}

void eval_gemm(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor &a = input(in, 0), &b = input(in, 1), &c = optional_input(in, 2);
  require(a.rank() == 2 && b.rank() == 2, "Gemm needs matrices");
  if (a.dtype() != b.dtype()) refuse_type(b.dtype());
  const DType wide = a.dtype() == DType::float64 || is_integer(a.dtype()) ? DType::float64 : DType::float32;
  const Tensor left = transposed(a.cast(wide), node.attr_or("transA", 0) != 0);
  const Tensor right = transposed(b.cast(wide), node.attr_or("transB", 0) != 0);
  Tensor sums = matmul(left, right);
  scale_and_add(sums, node.attr_or("alpha", 1.0f), node.attr_or("beta", 1.0f), c);
  out[0] = sums.cast(a.dtype());
}

TypeList infer_gemm(const Node& node, const InferInput& in) {
  const auto dim = [&](size_t i, bool second) {
    const Dims& dims = dims_of(in, i);
    if (dims && dims->size() != 2) throw invalid_file("Gemm needs matrices, found rank " + std::to_string(dims->size()));
    return dims ? (*dims)[second] : Dim{};
  };
  const Dim m = dim(0, node.attr_or("transA", 0) != 0), n = dim(1, node.attr_or("transB", 0) == 0);
  return outputs(node, {{dtype_of(in, 0), std::vector<Dim>{m, n}}});
}

int gemm_axis(const Node& node) { return node.attr_or("transB", 0) != 0 ? 0 : 1; }
/// The last axis of B, a matrix where it is a weight; a vector has no channels to speak of.
int matmul_axis(const Node& node) {
  const Value* b = node.in(1);
  return b && b->type.dims && !b->type.dims->empty() ? static_cast<int>(b->type.dims->size()) - 1 : 1;
}

int64_t gemm_macs(const Node& node, std::span<const Shape> in, std::span<const Shape> out) {
  return element_count(out[0]) * in[0][node.attr_or("transA", 0) != 0 ? 0 : 1];
}
int64_t matmul_macs_of(const Node&, std::span<const Shape> in, std::span<const Shape> out) { return matmul_macs(in, out); }

}  // namespace

extern const OpDef kMatMul1{
    .name = "MatMul", .infer = infer_matmul, .eval = eval_matmul, .quant = compute(1, -1, matmul_axis), .macs = matmul_macs_of};
extern const OpDef kGemm7{
    .name = "Gemm", .since = 7, .infer = infer_gemm, .eval = eval_gemm, .quant = compute(1, 2, gemm_axis), .macs = gemm_macs};

}  // namespace qtool
