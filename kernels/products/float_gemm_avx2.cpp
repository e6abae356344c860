// A panel a register: two panels by four rows.
#include <immintrin.h>

#include <algorithm>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

constexpr size_t kPanel = FloatGemmPacking::kColumns;

/// MR rows from `row` on times NV panels from `column` on.
template <int MR, int NV>
struct Tile {
  const FloatGemmArgs& args;
  const size_t row, column;
  __m256 y[MR][NV];

  Tile(const FloatGemmArgs& args, size_t row, size_t column) : args(args), row(row), column(column) {}

  void run() {
    for (int i = 0; i < MR; ++i)
      for (int v = 0; v < NV; ++v) y[i][v] = _mm256_loadu_ps(args.start + column + v * kPanel);
    for (size_t t = 0; t < args.packing.taps; ++t) add_tap(t);
    for (int i = 0; i < MR; ++i)
      for (int v = 0; v < NV; ++v) store(args.out + (row + i) * args.out_stride + column + v * kPanel, y[i][v], v);
  }

 private:
  void add_tap(size_t t) {
    const float* rows[MR];
    for (int i = 0; i < MR; ++i)
      rows[i] = args.offsets ? args.a + args.offsets[t * args.offsets_step + row + i] : args.a + (row + i) * args.a_stride;
    const size_t depth = args.packing.depth, panel_size = args.packing.panel_size();
    const float* b = args.b + column / kPanel * panel_size + t * depth * kPanel;
    for (size_t k = 0; k < depth; ++k, b += kPanel)
      for (int i = 0; i < MR; ++i)
        for (int v = 0; v < NV; ++v)
          y[i][v] = _mm256_fmadd_ps(_mm256_broadcast_ss(rows[i] + k), _mm256_loadu_ps(b + v * panel_size), y[i][v]);
  }

  void store(float* out, __m256 sums, int v) const {
    // the second operand is the result where one is no number
    const __m256 clamped = _mm256_min_ps(_mm256_set1_ps(args.hi), _mm256_max_ps(_mm256_set1_ps(args.lo), sums));
    const size_t left = args.packing.n - column - v * kPanel;
    if (left >= kPanel) return _mm256_storeu_ps(out, clamped);
    alignas(32) float all[kPanel];
    _mm256_store_ps(all, clamped);
    std::copy_n(all, left, out);
  }
};

template <int NV>
void run_columns(const FloatGemmArgs& args, size_t column) {
  size_t i = 0;
  for (; i + 4 <= args.m; i += 4) Tile<4, NV>(args, i, column).run();
  for (; i < args.m; ++i) Tile<1, NV>(args, i, column).run();
}

}  // namespace

void float_gemm_avx2(const FloatGemmArgs& args) {
  size_t column = 0;
  for (; column + kPanel < args.packing.n; column += 2 * kPanel) run_columns<2>(args, column);
  if (column < args.packing.n) run_columns<1>(args, column);
}

}  // namespace qtool::kernels
