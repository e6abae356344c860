#include "ops/helpers/matmul.h"

#include "ops/helpers/broadcast.h"
#include "ops/helpers/gemm.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

template <class T>
void run(const T* a, const T* b, double* c, const MatmulGeometry& g) {
  const Shape a_strides = broadcast_strides(g.a_batch, g.batch), b_strides = broadcast_strides(g.b_batch, g.batch);
  for_each_index(g.batch, [&](const Shape& index) {
    gemm(a + offset_of(index, a_strides) * g.m * g.k, b + offset_of(index, b_strides) * g.k * g.n, c, g.m, g.n, g.k);
    c += g.m * g.n;
  });
}

}  // namespace

MatmulGeometry matmul_geometry(const Shape& a, const Shape& b) {
  if (a.empty() || b.empty()) throw invalid_file("a matrix product of a scalar");
  Shape left = a, right = b;
  if (a.size() == 1) left.insert(left.begin(), 1);
  if (b.size() == 1) right.push_back(1);
  MatmulGeometry g{left[left.size() - 2], right.back(), left.back(), {}, {}, {}, {}};
  if (right[right.size() - 2] != g.k) throw invalid_file("matrices " + to_string(a) + " and " + to_string(b) + " do not fit");
  g.a_batch.assign(left.begin(), left.end() - 2);
  g.b_batch.assign(right.begin(), right.end() - 2);
  g.output = g.batch = broadcast(g.a_batch, g.b_batch);
  if (a.size() > 1) g.output.push_back(g.m);
  if (b.size() > 1) g.output.push_back(g.n);
  return g;
}

Tensor matmul(const Tensor& a, const Tensor& b) {
  const MatmulGeometry g = matmul_geometry(a.shape(), b.shape());
  Tensor sums = Tensor::zeros(DType::float64, g.output);
  if (a.dtype() == DType::float64)
    run(elements<double>(a), elements<double>(b), elements<double>(sums), g);
  else
    run(elements<float>(a), elements<float>(b), elements<double>(sums), g);
  return sums;
}

Dims matmul_dims(const Dims& a, const Dims& b) {
  if (!a || !b || a->empty() || b->empty()) return std::nullopt;
  const Dim &k = a->back(), &other = b->size() == 1 ? (*b)[0] : (*b)[b->size() - 2];
  if (k.known() && other.known() && k.value != other.value)
    throw invalid_file("matrices of " + std::to_string(k.value) + " columns and " + std::to_string(other.value) + " rows");
  const auto outer = [](const std::vector<Dim>& dims) { return std::vector<Dim>(dims.begin(), dims.end() - (dims.size() > 1 ? 2 : 1)); };
  Dims dims = broadcast(Dims(outer(*a)), Dims(outer(*b)));
  if (a->size() > 1) dims->push_back((*a)[a->size() - 2]);
  if (b->size() > 1) dims->push_back(b->back());
  return dims;
}

int64_t matmul_macs(std::span<const Shape> in, std::span<const Shape> out) {
  return in[0].empty() ? 0 : element_count(out[0]) * in[0].back();
}

}  // namespace qtool
