// Two panels a register, up to three registers of columns by eight rows. Where there are only a few columns, sixteen rows a register: the
// rows are turned in registers, eight of the depth at once.
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

/// x[i] holds eight floats of row i + i / 4 * 4 and eight of that four behind; x[k] becomes float k of all sixteen rows.
QTOOL_INLINE void turn(__m512 (&x)[8]) {
  __m512 y[8];
  for (int i = 0; i < 8; i += 2) y[i] = _mm512_unpacklo_ps(x[i], x[i + 1]), y[i + 1] = _mm512_unpackhi_ps(x[i], x[i + 1]);
  for (int i = 0; i < 8; i += 4)
    for (int j = 0; j < 2; ++j) {
      const __m512d a = _mm512_castps_pd(y[i + j]), b = _mm512_castps_pd(y[i + j + 2]);
      x[i + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b)), x[i + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
    }
  for (int j = 0; j < 4; ++j) y[j] = _mm512_shuffle_f32x4(x[j], x[j + 4], 0x88), y[j + 4] = _mm512_shuffle_f32x4(x[j], x[j + 4], 0xdd);
  for (int k = 0; k < 8; ++k) x[k] = y[k];
}

/// Up to sixteen rows by N columns.
template <int N>
struct Few {
  const FloatGemmArgs& args;
  const size_t row, rows;
  __m512 y[N];

  QTOOL_INLINE Few(const FloatGemmArgs& args, size_t row) : args(args), row(row), rows(std::min(kLanes, args.m - row)) {}

  QTOOL_INLINE void run() {
    for (int n = 0; n < N; ++n) y[n] = _mm512_set1_ps(args.start[n]);
    for (size_t t = 0; t < args.packing.taps; ++t)
      for (size_t k = 0; k < args.packing.depth; k += kDeep) add(t, k, std::min(kDeep, args.packing.depth - k));
    store();
  }

 private:
  static constexpr size_t kDeep = 8;

  QTOOL_INLINE void add(size_t t, size_t first, size_t depth) {
    __m512 a[kDeep];
    if (depth == kDeep && rows == kLanes)
      load(a, [&](size_t i) { return _mm256_loadu_ps(row_of(args, row + i, t) + first); });
    else
      load(a, [&](size_t i) { return i < rows ? some(row_of(args, row + i, t) + first, depth) : _mm256_setzero_ps(); });
    turn(a);
    const float* b = args.b + (t * args.packing.depth + first) * kPanel;
    repeat<kDeep>(QTOOL_EACH(k) {
      if (static_cast<size_t>(k) < depth)
        repeat<N>(QTOOL_EACH(n) { y[n] = _mm512_fmadd_ps(a[k], _mm512_set1_ps(b[k * kPanel + n]), y[n]); });
    });
  }

  template <class Row>
  QTOOL_INLINE static void load(__m512 (&a)[kDeep], Row floats) {
    repeat<kDeep>(QTOOL_EACH(i) {
      constexpr size_t at = i + i / 4 * 4;
      a[i] = _mm512_insertf32x8(_mm512_castps256_ps512(floats(at)), floats(at + 4), 1);
    });
  }
  QTOOL_INLINE static __m256 some(const float* p, size_t depth) {
    return _mm256_maskz_loadu_ps(static_cast<__mmask8>((1u << depth) - 1), p);
  }

  QTOOL_INLINE void store() const {
    if (N == 2 && rows == kLanes && args.out_stride == 2) return store_pairs(args.out + 2 * row);
    if (N == 4 && rows == kLanes && args.out_stride == 4) return store_fours(args.out + 4 * row);
    alignas(64) float columns[N][kLanes];
    for (int n = 0; n < N; ++n) _mm512_store_ps(columns[n], clamped(y[n], args));
    for (size_t i = 0; i < rows; ++i)
      for (int n = 0; n < N; ++n) args.out[(row + i) * args.out_stride + n] = columns[n][i];
  }

  QTOOL_INLINE void store_pairs(float* out) const {
    const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23),
                  high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
    const __m512 first = clamped(y[0], args), second = clamped(y[N - 1], args);
    _mm512_storeu_ps(out, _mm512_permutex2var_ps(first, low, second));
    _mm512_storeu_ps(out + kLanes, _mm512_permutex2var_ps(first, high, second));
  }

  QTOOL_INLINE void store_fours(float* out) const {
    const __m512 a = clamped(y[0], args), b = clamped(y[1 % N], args), c = clamped(y[2 % N], args), d = clamped(y[N - 1], args);
    const __m512i ab = _mm512_castps_si512(_mm512_unpacklo_ps(a, b)), cd = _mm512_castps_si512(_mm512_unpacklo_ps(c, d)),
                  ab_high = _mm512_castps_si512(_mm512_unpackhi_ps(a, b)), cd_high = _mm512_castps_si512(_mm512_unpackhi_ps(c, d));
    // row 4 * l + j is lane l of rows[j]
    const __m512i rows[4] = {_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd), _mm512_unpacklo_epi64(ab_high, cd_high),
                             _mm512_unpackhi_epi64(ab_high, cd_high)};
    repeat<4>(QTOOL_EACH(j) { repeat<4>(QTOOL_EACH(l) { store_lane<l>(out + 4 * (4 * l + j), rows[j]); }); });
  }
  template <int kLane>
  QTOOL_INLINE static void store_lane(float* out, __m512i row) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm512_extracti32x4_epi32(row, kLane));
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
