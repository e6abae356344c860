// Two panels a register, up to three registers of columns by eight rows. Where there are only a few columns, sixteen rows a register: the
// rows are turned in registers, sixteen of the depth at once.
#include <immintrin.h>

#include <algorithm>

#include "kernels/registry.h"
#include "kernels/unroll.h"

namespace qtool::kernels {
namespace {

constexpr size_t kPanel = FloatGemmPacking::kColumns, kLanes = 16, kFew = 4;

const float* row_of(const FloatGemmArgs& args, size_t i, size_t tap) {
  return args.offsets ? args.a + args.offsets[tap * args.offsets_step + i] : args.a + i * args.a_stride;
}

QTOOL_INLINE __m512 clamped(__m512 y, const FloatGemmArgs& args) {
  // the second operand is the result where one is no number
  return _mm512_min_ps(_mm512_set1_ps(args.hi), _mm512_max_ps(_mm512_set1_ps(args.lo), y));
}

/// MR rows from `row` on times NV registers of columns from `column` on.
template <int MR, int NV>
struct Tile {
  const FloatGemmArgs& args;
  const size_t row, column;
  __m512 y[MR][NV];

  QTOOL_INLINE Tile(const FloatGemmArgs& args, size_t row, size_t column) : args(args), row(row), column(column) {}

  QTOOL_INLINE void run() {
    repeat<NV>(QTOOL_EACH(v) {
      const __m512 start = two(args.start + column + v * kLanes, kPanel, v);
      repeat<MR>(QTOOL_EACH(i) { y[i][v] = start; });
    });
    for (size_t t = 0; t < args.packing.taps; ++t) add_tap(t);
    if (left(NV - 1) >= kLanes) return store([](float* out, __m512 sums, size_t) { _mm512_storeu_ps(out, sums); });
    store(store_some);
  }

 private:
  QTOOL_INLINE void add_tap(size_t t) {
    const float* rows[MR];
    repeat<MR>(QTOOL_EACH(i) { rows[i] = row_of(args, row + i, t); });
    const size_t depth = args.packing.depth, panel_size = args.packing.panel_size();
    const float* b = args.b + column / kPanel * panel_size + t * depth * kPanel;
    for (size_t k = 0; k < depth; ++k, b += kPanel) {
      __m512 columns[NV];
      repeat<NV>(QTOOL_EACH(v) { columns[v] = two(b + 2 * v * panel_size, panel_size, v); });
      repeat<MR>(QTOOL_EACH(i) {
        const __m512 a = _mm512_set1_ps(rows[i][k]);
        repeat<NV>(QTOOL_EACH(v) { y[i][v] = _mm512_fmadd_ps(a, columns[v], y[i][v]); });
      });
    }
  }

  QTOOL_INLINE size_t left(int v) const { return args.packing.n - column - v * kLanes; }

  template <class Store>
  QTOOL_INLINE void store(Store put) const {
    repeat<MR>(QTOOL_EACH(i) {
      repeat<NV>(QTOOL_EACH(v) { put(args.out + (row + i) * args.out_stride + column + v * kLanes, clamped(y[i][v], args), left(v)); });
    });
  }

  /// Masked stores take many times as long as others.
  QTOOL_INLINE static void store_some(float* out, __m512 y, size_t columns) {
    if (columns >= kLanes) return _mm512_storeu_ps(out, y);
    if (columns == kPanel) return _mm256_storeu_ps(out, _mm512_castps512_ps256(y));
    _mm512_mask_storeu_ps(out, static_cast<__mmask16>((1u << columns) - 1), y);
  }

  /// Eight floats, and eight more `step` behind them where there is a second panel.
  QTOOL_INLINE __m512 two(const float* p, size_t step, int v) const {
    const __m512 low = _mm512_castps256_ps512(_mm256_loadu_ps(p));
    if (v == NV - 1 && left(v) <= kPanel) return _mm512_insertf32x8(low, _mm256_setzero_ps(), 1);
    return _mm512_insertf32x8(low, _mm256_loadu_ps(p + step), 1);
  }
};

template <int MR, int NV>
void run_tile(const FloatGemmArgs& args, size_t row, size_t column) {
  Tile<MR, NV>(args, row, column).run();
}

template <int NV>
void run_columns(const FloatGemmArgs& args, size_t column) {
  size_t i = 0;
  for (; i + 8 <= args.m; i += 8) run_tile<8, NV>(args, i, column);
  for (; i + 2 <= args.m; i += 2) run_tile<2, NV>(args, i, column);
  if (i < args.m) run_tile<1, NV>(args, i, column);
}

void run_many(const FloatGemmArgs& args) {
  for (size_t column = 0; column < args.packing.n;) {
    const size_t registers = (args.packing.n - column + kLanes - 1) / kLanes, now = registers == 4 ? 2 : std::min<size_t>(registers, 3);
    (now == 3 ? run_columns<3> : now == 2 ? run_columns<2> : run_columns<1>)(args, column);
    column += now * kLanes;
  }
}

/// 16 x 16 floats: x[i] lane j becomes x[j] lane i.
QTOOL_INLINE void turn(__m512 (&x)[16]) {
  __m512 y[16];
  for (int i = 0; i < 16; i += 2) y[i] = _mm512_unpacklo_ps(x[i], x[i + 1]), y[i + 1] = _mm512_unpackhi_ps(x[i], x[i + 1]);
  for (int i = 0; i < 16; i += 4)
    for (int j = 0; j < 2; ++j) {
      const __m512d a = _mm512_castps_pd(y[i + j]), b = _mm512_castps_pd(y[i + j + 2]);
      x[i + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b)), x[i + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
    }
  for (int i = 0; i < 16; i += 8)
    for (int j = 0; j < 4; ++j)
      y[i + j] = _mm512_shuffle_f32x4(x[i + j], x[i + j + 4], 0x88), y[i + j + 4] = _mm512_shuffle_f32x4(x[i + j], x[i + j + 4], 0xdd);
  for (int j = 0; j < 8; ++j) x[j] = _mm512_shuffle_f32x4(y[j], y[j + 8], 0x88), x[j + 8] = _mm512_shuffle_f32x4(y[j], y[j + 8], 0xdd);
}

/// Up to sixteen rows by N columns.
template <int N>
struct Few {
  const FloatGemmArgs& args;
  const size_t row, rows;
  __m512 y[N];

  Few(const FloatGemmArgs& args, size_t row) : args(args), row(row), rows(std::min(kLanes, args.m - row)) {}

  void run() {
    for (int n = 0; n < N; ++n) y[n] = _mm512_set1_ps(args.start[n]);
    for (size_t t = 0; t < args.packing.taps; ++t)
      for (size_t k = 0; k < args.packing.depth; k += kLanes) add(t, k, std::min(kLanes, args.packing.depth - k));
    store();
  }

 private:
  void add(size_t t, size_t first, size_t depth) {
    const auto mask = static_cast<__mmask16>((1u << depth) - 1);
    __m512 a[kLanes];
    for (size_t i = 0; i < kLanes; ++i)
      a[i] = i < rows ? _mm512_maskz_loadu_ps(mask, row_of(args, row + i, t) + first) : _mm512_setzero_ps();
    turn(a);
    const float* b = args.b + (t * args.packing.depth + first) * kPanel;
    for (size_t k = 0; k < depth; ++k, b += kPanel)
      for (int n = 0; n < N; ++n) y[n] = _mm512_fmadd_ps(a[k], _mm512_set1_ps(b[n]), y[n]);
  }

  void store() const {
    if (N == 2 && rows == kLanes && args.out_stride == 2) return store_pairs(args.out + 2 * row);
    alignas(64) float columns[N][kLanes];
    for (int n = 0; n < N; ++n) _mm512_store_ps(columns[n], clamped(y[n], args));
    for (size_t i = 0; i < rows; ++i)
      for (int n = 0; n < N; ++n) args.out[(row + i) * args.out_stride + n] = columns[n][i];
  }

  void store_pairs(float* out) const {
    const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23),
                  high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
    const __m512 first = clamped(y[0], args), second = clamped(y[N - 1], args);
    _mm512_storeu_ps(out, _mm512_permutex2var_ps(first, low, second));
    _mm512_storeu_ps(out + kLanes, _mm512_permutex2var_ps(first, high, second));
  }
};

template <int N>
void run_few(const FloatGemmArgs& args) {
  for (size_t i = 0; i < args.m; i += kLanes) Few<N>(args, i).run();
}

}  // namespace

void float_gemm_avx512(const FloatGemmArgs& args) {
  using Run = void(const FloatGemmArgs&);
  constexpr Run* kRuns[kFew] = {run_few<1>, run_few<2>, run_few<3>, run_few<4>};
  args.packing.n <= kFew&& args.m >= kLanes ? kRuns[args.packing.n - 1](args) : run_many(args);
}

}  // namespace qtool::kernels
