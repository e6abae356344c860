#pragma once
// The one multiply-accumulate loop of the reference engine.

#include <cstdint>

namespace qtool {

/// c[i][j] += sum over p = 0, 1, ... k - 1, in this order, of a[i][p] * b[p][j]; every product and sum in double.
/// a: m x k, b: k x n, c: m x n, all row-major and dense. Exact for 8-bit codes minus zero points up to k = 2^36.
void gemm(const float* a, const float* b, double* c, int64_t m, int64_t n, int64_t k);
void gemm(const double* a, const double* b, double* c, int64_t m, int64_t n, int64_t k);

}  // namespace qtool
