// Rows of u8 codes: vpdpbusd multiplies four neighbours of the depth at once, sixteen columns a register. A block of up to four
// registers of columns (the last one half a register where that is enough) meets as many rows as the accumulators allow.
#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/elementwise/table_avx512vbmi.h"
#include "kernels/registry.h"
#include "kernels/unroll.h"

namespace qtool::kernels {
namespace {

/// From numbers below 2^31 to codes.
struct ToCodes {
  const __m512i zero_point;       ///< 16 bits
  const __m512i lowest, highest;  ///< 8 bits
  const bool is_unsigned;
  const uint8_t* table;

  QTOOL_INLINE ToCodes(int32_t zero, int32_t lo, int32_t hi, const uint8_t* table)
      : zero_point(_mm512_set1_epi16(static_cast<int16_t>(zero))),
        lowest(_mm512_set1_epi8(static_cast<char>(lo))),
        highest(_mm512_set1_epi8(static_cast<char>(hi))),
        is_unsigned(lo >= 0),
        table(table) {}

  /// 64 codes of four registers of rounded numbers, in order.
  QTOOL_INLINE __m512i codes(__m512i a, __m512i b, __m512i c, __m512i d) const {
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i ab = _mm512_adds_epi16(_mm512_packs_epi32(a, b), zero_point);
    const __m512i cd = _mm512_adds_epi16(_mm512_packs_epi32(c, d), zero_point);
    const __m512i bytes = is_unsigned ? _mm512_min_epu8(_mm512_max_epu8(_mm512_packus_epi16(ab, cd), lowest), highest)
                                      : _mm512_min_epi8(_mm512_max_epi8(_mm512_packs_epi16(ab, cd), lowest), highest);
    const __m512i in_order = _mm512_permutexvar_epi32(order, bytes);
    return table ? Table(table)(in_order) : in_order;
  }
};

/// A GemmSecond.
struct Second {
  const __m512i zero_point, lowest, highest;  ///< of the first codes
  const __m512 scale, other_scale, shift;
  const bool is_signed;

  QTOOL_INLINE explicit Second(const GemmArgs& args)
      : zero_point(_mm512_set1_epi32(args.out_zero_point)),
        lowest(_mm512_set1_epi32(args.lo)),
        highest(_mm512_set1_epi32(args.hi)),
        scale(_mm512_set1_ps(args.second.scale)),
        other_scale(_mm512_set1_ps(args.second.other_scale)),
        shift(_mm512_set1_ps(args.second.shift)),
        is_signed(args.second.is_signed) {}

  QTOOL_INLINE __m512 operator()(__m512 y, __m128i other) const {
    const __m512i code = _mm512_min_epi32(_mm512_max_epi32(_mm512_add_epi32(_mm512_cvtps_epi32(y), zero_point), lowest), highest);
    const __m512 real = _mm512_cvtepi32_ps(is_signed ? _mm512_cvtepi8_epi32(other) : _mm512_cvtepu8_epi32(other));
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(code), scale, _mm512_fmadd_ps(real, other_scale, shift));
  }
};

QTOOL_INLINE int32_t word(const int8_t* p) {
  int32_t bytes;
  std::memcpy(&bytes, p, 4);
  return bytes;
}

/// The one to three bytes at p, then zeros.
QTOOL_INLINE int32_t short_word(const int8_t* p, size_t count) {
  int32_t bytes = static_cast<uint8_t>(p[0]);
  if (count > 1) bytes |= static_cast<uint8_t>(p[1]) << 8;
  if (count > 2) bytes |= static_cast<uint8_t>(p[2]) << 16;
  return bytes;
}

/// sums += a . b by fours. Not the intrinsics: GCC 12 copies every accumulator before it lets them write to it.
QTOOL_INLINE void dot(__m512i& sums, __m512i a, __m512i b) { asm("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(a), "v"(b)); }
QTOOL_INLINE void dot_half(__m512i& sums, __m512i a, __m512i b) { asm("vpdpbusd %t2, %t1, %t0" : "+v"(sums) : "v"(a), "v"(b)); }

/// The first BYTES of a register, a multiple of 8.
template <size_t BYTES>
QTOOL_INLINE void store_bytes(uint8_t* out, __m512i bytes) {
  if constexpr (BYTES == 64) {
    _mm512_storeu_si512(out, bytes);
  } else if constexpr (BYTES >= 32) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm512_castsi512_si256(bytes));
    store_bytes<BYTES - 32>(out + 32, _mm512_castsi256_si512(_mm512_extracti64x4_epi64(bytes, 1)));
  } else if constexpr (BYTES >= 16) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm512_castsi512_si128(bytes));
    store_bytes<BYTES - 16>(out + 16, _mm512_castsi128_si512(_mm512_extracti32x4_epi32(bytes, 1)));
  } else if constexpr (BYTES == 8) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(out), _mm512_castsi512_si128(bytes));
  }
}

/// MR rows from `row` on times NV registers of columns from `panel` on, the last one half (LAST_HALF).
template <int MR, int NV, bool LAST_HALF>
struct Tile {
  const GemmArgs& args;
  const size_t row, panel;
  __m512i sums[MR][NV];
  const int8_t *rows[MR], *panels[NV];

  QTOOL_INLINE void run() {
    start();
    const GemmPart& part = args.part;
    const size_t taps = part.taps ? part.taps : args.packing.taps, depth = part.taps ? part.depth : args.packing.depth;
    const size_t whole = depth / 4 * 4, skipped = (args.packing.padded_depth() - (depth + 3) / 4 * 4) * 16;
    size_t at = (part.first_tap * args.packing.padded_depth() + part.first_k) * 16;
    for (size_t t = 0; t < taps; ++t, at += skipped) {
      find_rows(t);
      for (size_t k = 0; k < whole; k += 4, at += 64)
        multiply(
            at, QTOOL_EACH(i) { return word(rows[i] + k); });
      if (whole == depth) continue;
      multiply(
          at, QTOOL_EACH(i) { return short_word(rows[i] + whole, depth - whole); });
      at += 64;
    }
    store();
  }

  QTOOL_INLINE void start() {
    repeat<NV>(QTOOL_EACH(v) {
      panels[v] = args.b + (panel + v) * args.packing.panel_size();
      const __m512i start = _mm512_loadu_si512(args.start + (panel + v) * 16);
      repeat<MR>(QTOOL_EACH(i) { sums[i][v] = start; });
    });
    if (!args.row_start) return;
    repeat<MR>(QTOOL_EACH(i) {
      const __m512i more = _mm512_set1_epi32(args.row_start[row + i]);
      repeat<NV>(QTOOL_EACH(v) { sums[i][v] = _mm512_add_epi32(sums[i][v], more); });
    });
  }

  QTOOL_INLINE void find_rows(size_t tap) {
    if (args.offsets)
      repeat<MR>(QTOOL_EACH(i) { rows[i] = args.a + args.offsets[tap * args.offsets_step + row + i]; });
    else
      repeat<MR>(QTOOL_EACH(i) { rows[i] = args.a + (row + i) * args.a_stride; });
  }

  /// Four steps of the depth: `four(i)` of each row times 64 bytes of each panel.
  template <class Four>
  QTOOL_INLINE void multiply(size_t at, Four&& four) {
    __m512i b[NV];
    repeat<NV>(
        QTOOL_EACH(v) { b[v] = half<v>() ? _mm512_castsi256_si512(load_half(panels[v] + at)) : _mm512_loadu_si512(panels[v] + at); });
    repeat<MR>(QTOOL_EACH(i) {
      const __m512i a = _mm512_set1_epi32(four(i));
      repeat<NV>(QTOOL_EACH(v) { half<v>() ? dot_half(sums[i][v], a, b[v]) : dot(sums[i][v], a, b[v]); });
    });
  }

  template <int V>
  static constexpr bool half() {
    return LAST_HALF && V == NV - 1;
  }
  QTOOL_INLINE static __m256i load_half(const int8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }

  QTOOL_INLINE void store() {
    if (args.form == GemmForm::codes)
      store_codes();
    else if (args.form == GemmForm::floats)
      store_floats();
    else
      store_sums();
  }

  /// Where row i of the tile lies in a matrix.
  QTOOL_INLINE size_t place(size_t i, size_t stride) const {
    return args.places ? static_cast<size_t>(args.places[row + i]) : (row + i) * stride;
  }
  QTOOL_INLINE size_t column() const { return panel * 16; }
  QTOOL_INLINE size_t columns() const { return args.packing.n - column() < NV * 16 ? args.packing.n - column() : NV * 16; }
  QTOOL_INLINE __m512 scale(int v) const { return _mm512_loadu_ps(args.scale + column() + v * 16); }
  QTOOL_INLINE __m512 shift(int v) const { return args.shift ? _mm512_loadu_ps(args.shift + column() + v * 16) : _mm512_setzero_ps(); }
  QTOOL_INLINE __mmask16 mask(int v) const {
    const size_t before = static_cast<size_t>(v) * 16, left = columns() > before ? columns() - before : 0;
    return static_cast<__mmask16>(left >= 16 ? 0xffff : (1u << left) - 1);
  }

  QTOOL_INLINE void store_codes() {
    __m512 scales[NV], shifts[NV];
    repeat<NV>(QTOOL_EACH(v) { scales[v] = scale(v), shifts[v] = shift(v); });
    const auto y = QTOOL_EACH_OF(i, v) { return _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums[i][v]), scales[v], shifts[v]); };
    const GemmSecond& s = args.second;
    if (!s.other) return store_codes(ToCodes(args.out_zero_point, args.lo, args.hi, args.table), y);
    const Second second(args);
    store_codes(
        ToCodes(s.zero_point, s.lo, s.hi, args.table),
        QTOOL_EACH_OF(i, v) { return second(y(i, v), _mm_maskz_loadu_epi8(mask(v), s.other + place(i, s.stride) + column() + v * 16)); });
  }

  /// y(i, v) as codes, as many rows at once as fill a register.
  template <class Y>
  QTOOL_INLINE void store_codes(const ToCodes& to, const Y& y) {
    constexpr int kAtOnce = NV == 1 ? (MR < 4 ? MR : 4) : NV == 2 ? (MR < 2 ? MR : 2) : 1;
    const bool whole = columns() == kColumns;
    repeat<MR / kAtOnce>(QTOOL_EACH(group) {
      __m512i rounded[4] = {};
      repeat<kAtOnce * NV>(QTOOL_EACH(j) {
        rounded[j] = _mm512_cvtps_epi32(y(std::integral_constant<int, group * kAtOnce + j / NV>{}, std::integral_constant<int, j % NV>{}));
      });
      const __m512i codes = to.codes(rounded[0], rounded[1], rounded[2], rounded[3]);
      repeat<kAtOnce>(QTOOL_EACH(j) { put(group * kAtOnce + j, part<j>(codes), whole); });
    });
  }

  /// The codes of the row-th of the rows in a register, in front.
  template <int ROW>
  QTOOL_INLINE static __m512i part(__m512i codes) {
    if constexpr (ROW == 0) return codes;
    if constexpr (NV == 2) return _mm512_castsi256_si512(_mm512_extracti64x4_epi64(codes, ROW));
    return _mm512_castsi128_si512(_mm512_extracti32x4_epi32(codes, ROW));
  }

  static constexpr size_t kColumns = NV * 16 - (LAST_HALF ? 8 : 0);

  /// Masked stores of bytes take many times as long as others.
  QTOOL_INLINE void put(size_t i, __m512i codes, bool whole) {
    auto* out = static_cast<uint8_t*>(args.out) + place(i, args.out_stride) + column();
    if (whole)
      store_bytes<kColumns>(out, codes);
    else
      _mm512_mask_storeu_epi8(out, ~uint64_t{0} >> (64 - columns()), codes);
  }

  QTOOL_INLINE void store_floats() {
    __m512 scales[NV], shifts[NV];
    repeat<NV>(QTOOL_EACH(v) { scales[v] = scale(v), shifts[v] = shift(v); });
    store_words(QTOOL_EACH_OF(i, v) { return _mm512_castps_si512(_mm512_fmadd_ps(_mm512_cvtepi32_ps(sums[i][v]), scales[v], shifts[v])); });
  }

  QTOOL_INLINE void store_sums() {
    store_words(QTOOL_EACH_OF(i, v) { return sums[i][v]; });
  }

  /// words(i, v): 16 of 32 bits.
  template <class Words>
  QTOOL_INLINE void store_words(const Words& words) {
    auto* out = static_cast<int32_t*>(args.out) + column();
    if (columns() == NV * 16)
      repeat<MR>(
          QTOOL_EACH(i) { repeat<NV>(QTOOL_EACH(v) { _mm512_storeu_si512(out + place(i, args.out_stride) + v * 16, words(i, v)); }); });
    else
      repeat<MR>(QTOOL_EACH(i) {
        repeat<NV>(QTOOL_EACH(v) { _mm512_mask_storeu_epi32(out + place(i, args.out_stride) + v * 16, mask(v), words(i, v)); });
      });
  }
};

template <int MR, int NV, bool LAST_HALF>
void run_tile(const GemmArgs& args, size_t row, size_t panel) {
  Tile<MR, NV, LAST_HALF>{args, row, panel, {}, {}, {}}.run();
}

/// All rows of one block of columns, MR at a time, what is left in smaller tiles.
template <int MR, int NV, bool LAST_HALF>
void run_block(const GemmArgs& args, size_t panel) {
  size_t row = 0;
  for (; row + MR <= args.m; row += MR) run_tile<MR, NV, LAST_HALF>(args, row, panel);
  for (; row + 4 <= args.m; row += 4) run_tile<4, NV, LAST_HALF>(args, row, panel);
  for (; row + 2 <= args.m; row += 2) run_tile<2, NV, LAST_HALF>(args, row, panel);
  for (; row < args.m; ++row) run_tile<1, NV, LAST_HALF>(args, row, panel);
}

using BlockFn = void (*)(const GemmArgs& args, size_t panel);
/// By registers, then whether the last is half.
constexpr BlockFn kBlocks[4][2] = {{run_block<8, 1, false>, run_block<8, 1, true>},
                                   {run_block<12, 2, false>, run_block<12, 2, true>},
                                   {run_block<6, 3, false>, run_block<6, 3, true>},
                                   {run_block<6, 4, false>, run_block<6, 4, true>}};

void run_rows(const GemmArgs& args) {
  const size_t panels = args.packing.panels(), blocks = (panels + 3) / 4;
  size_t panel = 0;
  for (size_t i = 0; i < blocks; ++i) {
    const size_t count = (panels - panel + blocks - i - 1) / (blocks - i);
    const size_t columns = args.packing.n - panel * 16;
    kBlocks[count - 1][columns <= count * 16 - 8](args, panel);
    panel += count;
  }
}

/// Rows in pieces, copied together some at a time.
void run_pieces(const GemmArgs& args) {
  constexpr size_t kRows = 12, kDeepest = 2048;
  int8_t together[kRows * kDeepest];
  const size_t depth = args.packing.depth, piece = depth / args.pieces, width = args.form == GemmForm::codes ? 1 : 4;
  for (size_t row = 0; row < args.m; row += kRows) {
    GemmArgs part = args;
    part.m = std::min(kRows, args.m - row);
    for (size_t i = 0; i < part.m; ++i)
      for (size_t t = 0; t < args.pieces; ++t)
        std::memcpy(together + i * depth + t * piece, args.a + args.offsets[t * args.offsets_step + row + i], piece);
    part.a = together, part.a_stride = depth, part.offsets = nullptr, part.pieces = 1;
    if (part.row_start) part.row_start += row;
    if (part.second.other) part.second.other += row * part.second.stride;
    part.out = static_cast<uint8_t*>(args.out) + row * args.out_stride * width;
    run_rows(part);
  }
}

/// Whether every number that becomes a code lies within +-2^30, by the most that sums can reach.
bool stays_in_range(const GemmArgs& args) {
  constexpr float kRange = 1 << 30;
  const GemmSecond& s = args.second;
  if (s.other && 512 * (std::fabs(s.scale) + std::fabs(s.other_scale)) + std::fabs(s.shift) > kRange) return false;
  const auto depth = static_cast<float>(args.packing.taps * args.packing.depth);
  const __m512 sum = _mm512_set1_ps(depth * 255 * (128 + (args.row_start ? 255 : 0)));
  __mmask16 beyond = 0;
  for (size_t n = 0; n < args.packing.padded_n(); n += 16) {
    const __m512 start = _mm512_abs_ps(_mm512_cvtepi32_ps(_mm512_loadu_si512(args.start + n)));
    const __m512 shift = args.shift ? _mm512_abs_ps(_mm512_loadu_ps(args.shift + n)) : _mm512_setzero_ps();
    const __m512 most = _mm512_fmadd_ps(_mm512_abs_ps(_mm512_loadu_ps(args.scale + n)), _mm512_add_ps(sum, start), shift);
    beyond |= _mm512_cmp_ps_mask(most, _mm512_set1_ps(kRange), _CMP_NLE_UQ);
  }
  return beyond == 0;
}

}  // namespace

void gemm_u8_avx512vbmi(const GemmArgs& args) {
  if (args.form == GemmForm::codes && !stays_in_range(args)) return gemm_u8_scalar(args);
  args.pieces > 1 ? run_pieces(args) : run_rows(args);
}

}  // namespace qtool::kernels
