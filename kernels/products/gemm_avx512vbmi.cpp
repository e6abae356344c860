// Rows of u8 codes: vpdpbusd multiplies four neighbours of the depth at once, sixteen columns a register. A block of up to four
// registers of columns (the last one half a register where that is enough) meets as many rows as the accumulators allow.
#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/products/gemm_ending_avx512vbmi.h"
#include "kernels/registry.h"
#include "kernels/unroll.h"

namespace qtool::kernels {
namespace {

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

/// What all tiles of a call share.
struct Depth {
  size_t panel_size, taps, whole, rest;  ///< whole: depth in fours, rest: up to three more
  size_t first, skipped;                 ///< where a panel's part begins, and what lies between its taps

  explicit Depth(const GemmArgs& args) {
    const GemmPart& part = args.part;
    const size_t padded = args.packing.padded_depth(), depth = part.taps ? part.depth : args.packing.depth;
    panel_size = args.packing.panel_size(), taps = part.taps ? part.taps : args.packing.taps;
    whole = depth / 4 * 4, rest = depth % 4;
    first = (part.first_tap * padded + part.first_k) * 16, skipped = (padded - (depth + 3) / 4 * 4) * 16;
  }
};

/// MR rows from `row` on times NV registers of columns from `panel` on, the last one half (LAST_HALF).
template <int MR, int NV, bool LAST_HALF>
struct Tile {
  const GemmArgs& args;
  const Depth& depth;
  const size_t row, panel;
  __m512i sums[MR][NV];
  const int8_t *rows[MR], *panels[NV];

  template <Ends ENDS>
  QTOOL_INLINE void run() {
    start();
    size_t at = depth.first;
    for (size_t t = 0; t < depth.taps; ++t, at += depth.skipped) {
      find_rows(t);
      for (size_t k = 0; k < depth.whole; k += 4, at += 64)
        multiply(
            at, QTOOL_EACH(i) { return word(rows[i] + k); });
      if (!depth.rest) continue;
      multiply_rest(at);
      at += 64;
    }
    Ending<MR, NV, LAST_HALF>(args, row, panel).template run<ENDS>(sums);
  }

  QTOOL_INLINE void start() {
    repeat<NV>(QTOOL_EACH(v) {
      panels[v] = args.b + (panel + v) * depth.panel_size;
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

  /// The last one to three steps: the end of the four that end there, where the row has four.
  QTOOL_INLINE void multiply_rest(size_t at) {
    const int beyond = 32 - 8 * static_cast<int>(depth.rest);
    if (depth.whole)
      multiply(
          at,
          QTOOL_EACH(i) { return static_cast<int32_t>(static_cast<uint32_t>(word(rows[i] + depth.whole + depth.rest - 4)) >> beyond); });
    else
      multiply(
          at, QTOOL_EACH(i) { return short_word(rows[i], depth.rest); });
  }

  template <int V>
  static constexpr bool half() {
    return LAST_HALF && V == NV - 1;
  }
  QTOOL_INLINE static __m256i load_half(const int8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
};

template <Ends ENDS, int MR, int NV, bool LAST_HALF>
QTOOL_INLINE void run_tile(const GemmArgs& args, const Depth& depth, size_t row, size_t panel) {
  Tile<MR, NV, LAST_HALF>{args, depth, row, panel, {}, {}, {}}.template run<ENDS>();
}

template <Ends ENDS, int MR, int NV, bool LAST_HALF>
__attribute__((noinline)) void call_tile(const GemmArgs& args, const Depth& depth, size_t row, size_t panel) {
  run_tile<ENDS, MR, NV, LAST_HALF>(args, depth, row, panel);
}

/// All rows of one block of columns, MR at a time, what is left in smaller tiles.
template <Ends ENDS, int MR, int NV, bool LAST_HALF>
void run_block(const GemmArgs& args, const Depth& depth, size_t panel) {
  size_t row = 0;
  constexpr bool kApart = MR > 8;  // so many rows take all registers for addresses
  for (; row + MR <= args.m; row += MR)
    if constexpr (kApart)
      call_tile<ENDS, MR, NV, LAST_HALF>(args, depth, row, panel);
    else
      run_tile<ENDS, MR, NV, LAST_HALF>(args, depth, row, panel);
  for (; row + 4 <= args.m; row += 4) call_tile<ENDS, 4, NV, false>(args, depth, row, panel);
  for (; row + 2 <= args.m; row += 2) call_tile<ENDS, 2, NV, false>(args, depth, row, panel);
  for (; row < args.m; ++row) call_tile<ENDS, 1, NV, false>(args, depth, row, panel);
}

using BlockFn = void (*)(const GemmArgs& args, const Depth& depth, size_t panel);
/// By registers, then whether the last is half.
template <Ends ENDS>
constexpr BlockFn kBlocks[4][2] = {{run_block<ENDS, 8, 1, false>, run_block<ENDS, 8, 1, true>},
                                   {run_block<ENDS, 12, 2, false>, run_block<ENDS, 12, 2, true>},
                                   {run_block<ENDS, 6, 3, false>, run_block<ENDS, 6, 3, true>},
                                   {run_block<ENDS, 6, 4, false>, run_block<ENDS, 6, 4, true>}};

const BlockFn (&blocks_of(const GemmArgs& args))[4][2] {
  switch (ends_of(args)) {
    case Ends::codes:
      return kBlocks<Ends::codes>;
    case Ends::table:
      return kBlocks<Ends::table>;
    case Ends::second:
      return kBlocks<Ends::second>;
    case Ends::floats:
      return kBlocks<Ends::floats>;
    default:
      return kBlocks<Ends::sums>;
  }
}

void run_rows(const GemmArgs& args) {
  const auto& block_of = blocks_of(args);
  const Depth depth(args);
  const size_t panels = args.packing.panels(), blocks = (panels + 3) / 4;
  size_t panel = 0;
  for (size_t i = 0; i < blocks; ++i) {
    const size_t count = (panels - panel + blocks - i - 1) / (blocks - i);
    const size_t columns = args.packing.n - panel * 16;
    block_of[count - 1][columns <= count * 16 - 8](args, depth, panel);
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
