#include "ops/helpers/gemm.h"

#include <algorithm>

namespace qtool {
namespace {

constexpr int64_t kColumns = 256;  // 4 rows of double sums stay in the first-level cache

template <class T>
void four_rows(const T* __restrict a, const T* __restrict b, double* __restrict c, int64_t columns, int64_t n, int64_t k) {
  double* __restrict c0 = c;
  double* __restrict c1 = c + n;
  double* __restrict c2 = c + 2 * n;
  double* __restrict c3 = c + 3 * n;
  for (int64_t p = 0; p < k; ++p) {
    const double a0 = a[p], a1 = a[k + p], a2 = a[2 * k + p], a3 = a[3 * k + p];
    const T* __restrict row = b + p * n;
    for (int64_t j = 0; j < columns; ++j) {
      const double value = row[j];
      c0[j] += a0 * value;
      c1[j] += a1 * value;
      c2[j] += a2 * value;
      c3[j] += a3 * value;
    }
  }
}

template <class T>
void one_row(const T* __restrict a, const T* __restrict b, double* __restrict c, int64_t columns, int64_t n, int64_t k) {
  for (int64_t p = 0; p < k; ++p) {
    const double factor = a[p];
    const T* __restrict row = b + p * n;
    for (int64_t j = 0; j < columns; ++j) c[j] += factor * row[j];
  }
}

template <class T>
void blocked(const T* a, const T* b, double* c, int64_t m, int64_t n, int64_t k) {
  for (int64_t j = 0; j < n; j += kColumns) {
    const int64_t columns = std::min(kColumns, n - j);
    int64_t i = 0;
    for (; i + 4 <= m; i += 4) four_rows(a + i * k, b + j, c + i * n + j, columns, n, k);
    for (; i < m; ++i) one_row(a + i * k, b + j, c + i * n + j, columns, n, k);
  }
}

}  // namespace

void gemm(const float* a, const float* b, double* c, int64_t m, int64_t n, int64_t k) { blocked(a, b, c, m, n, k); }
void gemm(const double* a, const double* b, double* c, int64_t m, int64_t n, int64_t k) { blocked(a, b, c, m, n, k); }

}  // namespace qtool
