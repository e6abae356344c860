#pragma once
// Matrix product with numpy's rules, shared by MatMul, MatMulInteger, QLinearMatMul and Einsum.

#include "ops/helpers/infer.h"

namespace qtool {

/// Shapes of a product: vectors are promoted to matrices, the dimensions before the last two broadcast.
struct MatmulGeometry {
  int64_t m, n, k;
  Shape a_batch, b_batch, batch;
  Shape output;
};

/// Throws Error(invalid_file) when the shapes do not fit.
MatmulGeometry matmul_geometry(const Shape& a, const Shape& b);

/// Float64 products, see gemm(); a and b both float32 or both float64.
Tensor matmul(const Tensor& a, const Tensor& b);

Dims matmul_dims(const Dims& a, const Dims& b);
int64_t matmul_macs(std::span<const Shape> in, std::span<const Shape> out);

}  // namespace qtool
