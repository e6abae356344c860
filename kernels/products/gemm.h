#pragma once
#include <cstddef>
#include <cstdint>

#include "kernels/isa.h"

namespace qtool::kernels {

/// What a variant wants to find side by side: columns n by nr, and of each kr neighbours of the depth. Depths are padded to `unit`, so
/// the last group may be narrower than kr.
struct GemmTile {
  size_t nr, kr, unit;
};

/// The tile of the variant gemm_ISA (the scalar twin takes any).
constexpr GemmTile gemm_tile(Isa isa) {
  switch (isa) {
    case Isa::neon:
      return {8, 16, 8};
    case Isa::neoni8mm:
      return {8, 8, 8};
    case Isa::avx512vbmi:
      return {16, 4, 4};
    default:
      return {8, 4, 4};
  }
}

/// Where b(t, k, n) lies, t < taps, k < depth, n < n; bytes between hold zeros. A panel is nr columns of all taps; packing panels p ..
/// of a matrix is the packing of columns nr * p .. alone, at p * panel_size().
struct GemmPacking {
  size_t n, taps, depth;
  GemmTile tile;

  static constexpr size_t up(size_t x, size_t to) { return (x + to - 1) / to * to; }
  constexpr size_t panels() const { return (n + tile.nr - 1) / tile.nr; }
  constexpr size_t padded_n() const { return panels() * tile.nr; }  ///< entries of start, scale and shift
  constexpr size_t padded_depth() const { return up(depth, tile.unit); }
  constexpr size_t panel_size() const { return taps * padded_depth() * tile.nr; }
  constexpr size_t size() const { return panels() * panel_size(); }
  constexpr size_t index(size_t t, size_t k, size_t column) const {
    const size_t first = k / tile.kr * tile.kr, rest = padded_depth() - first, width = rest < tile.kr ? rest : tile.kr;
    return column / tile.nr * panel_size() + t * padded_depth() * tile.nr + first * tile.nr + column % tile.nr * width + k % tile.kr;
  }
};

enum class GemmForm {
  codes,   ///< u8 or s8: clamp(rne(y) + out_zero_point, lo, hi)'s low 8 bits, or where there is a table its entry at them
  floats,  ///< f32: y
  sums,    ///< i32: acc; scale and shift are not read
};

/// What may follow the codes c of a product: the sum with other codes, as a residual connection has it.
///
///   z = fma(f32(c - out_zero_point), scale, fma(f32(other), other_scale, shift));   the code is then clamp(rne(z) + zero_point, lo, hi)
///
/// other(i, n) = other[i * stride + n], a u8 code; where is_signed an s8 code x read as x ^ 0x80 = x + 128; null: nothing follows. Bounds
/// as in GemmArgs.
struct GemmSecond {
  const uint8_t* other = nullptr;
  size_t stride = 0;
  bool is_signed = false;
  float scale = 1, other_scale = 1, shift = 0;
  int32_t zero_point = 0, lo = 0, hi = 255;
};

/// The part of the depth that takes part: t in [first_tap, first_tap + taps), k in [first_k, first_k + depth); taps 0: all of both. Offsets
/// then are those of the part's taps, to its first_k. first_k is a multiple of the tile's unit.
struct GemmPart {
  size_t first_tap = 0, taps = 0, first_k = 0, depth = 0;
};

/// Product of s8 rows with packed s8 columns, where a row may be gathered from several places: a convolution's window.
///
///   acc(i, n) = start[n] + row_start[i] + sum over t < taps, k < depth of a(i, t, k) * b(t, k, n)                            i32
///   a(i, t, k) = a[offsets[t * offsets_step + i] + k], or without offsets (then taps is 1) a[i * a_stride + k]
///             with pieces > 1 (then taps is 1) a[offsets[k / piece * offsets_step + i] + k % piece], piece = depth / pieces
///   y(i, n)   = fma(f32(acc), scale[n], shift[n])                                                      rne: to nearest, ties to even
///   out[i * out_stride + n] is written for i < m and n < n, as `form` says
///
/// u8 codes x are given as s8 codes x ^ 0x80 with a zero point 128 lower. What stands for padding is an offset to a row of zero points.
/// A group of a grouped convolution is a call with a, packed b, and out of its own; the offsets are the same.
///
/// a          bytes; read are the `depth` of each row and tap, nothing behind them. Offsets in bytes, of either sign.
/// offsets    taps x m, or pieces x m; offsets_step >= m entries between taps; null for a matrix
/// pieces     divides depth, which is at most 2048 where there are several: for windows of few channels, whose rows would each be padded
///            to a unit if they were taps. Rows are then copied together.
/// b          as packing.index says, see GemmPack; no entry is -128 unless b_lowest
/// start      i32, packing.padded_n() entries: bias - zero_point(a) * sum of the column
/// row_start  i32, m entries: -zero_point(b) * sum of the row; or null (zeros)
/// scale      f32, padded_n() entries
/// shift      f32, padded_n() entries; or null (zeros)
/// lo, hi     -128 <= lo <= hi <= 127, or 0 <= lo <= hi <= 255; -256 <= out_zero_point <= 256
/// table      256 bytes or null; with form codes alone, behind `second`
/// second, places, part   of GemmU8 alone, not with pieces; Gemm does not read them. second: with form codes
/// places     m entries, or null: row i is written at out + places[i], elements, not i * out_stride; so are other's rows found
/// out        bytes, f32 or i32; out_stride in elements, >= n. Overlaps nothing else.
///
/// Any m (0 too), n, taps, depth >= 1 for which taps * depth <= 65536; acc must stay within i32. y must not be NaN; what it holds beyond
/// +-2^31 saturates. Callers may compute any rectangle: rows by moving offsets (or a), row_start and out, columns by whole panels (see
/// GemmPacking) and their start, scale, shift and out. No allocation, no threads, no state.
struct GemmArgs {
  const int8_t* a;
  size_t a_stride;
  const ptrdiff_t* offsets;
  size_t offsets_step;
  size_t m;
  GemmPacking packing;
  const int8_t* b;
  bool b_lowest;
  const int32_t *start, *row_start;
  const float *scale, *shift;
  GemmForm form;
  int32_t out_zero_point, lo, hi;
  const uint8_t* table;
  void* out;
  size_t out_stride;
  size_t pieces = 1;
  GemmSecond second = {};
  const ptrdiff_t* places = nullptr;
  GemmPart part = {};
};
struct Gemm {
  using Args = GemmArgs;
  using Fn = void(const GemmArgs&);
};

/// The same where a's bytes are u8: for instruction sets that multiply u8 with s8.
struct GemmU8 {
  using Args = GemmArgs;
  using Fn = void(const GemmArgs&);
};

/// Packs a right-hand side, at load or at run time:
///
///   b(t, k, n) = b[t * step_t + k * step_k + n * step_n] ^ flip     as s8, at packed[packing.index(t, k, n)], zeros between
///   sums[n] = sum over t, k of b(t, k, n)                           for n < packing.n, zeros up to padded_n()
///
/// b        bytes, steps in bytes; flip 0x80 for u8 codes, else 0
/// packed   packing.size() bytes;  sums  padded_n() i32, or null
/// A row-major matrix k x n: step_k = n, step_n = 1; its transpose: step_k = 1, step_n = k; weights [n][depth][kh][kw]: step_t = 1,
/// step_k = kh * kw, step_n = depth * kh * kw. Every variant takes every tile.
struct GemmPackArgs {
  const uint8_t* b;
  size_t step_t, step_k, step_n;
  uint8_t flip;
  GemmPacking packing;
  int8_t* packed;
  int32_t* sums;
};
struct GemmPack {
  using Args = GemmPackArgs;
  using Fn = void(const GemmPackArgs&);
};

/// out[i] = factor * sum over k < depth of a[i * stride + k], s8, i < m: factor = -zero_point(b) gives Gemm's row_start.
struct RowSumsArgs {
  const int8_t* a;
  size_t stride, m, depth;
  int32_t factor;
  int32_t* out;
};
struct RowSums {
  using Args = RowSumsArgs;
  using Fn = void(const RowSumsArgs&);
};

/// The same where a's bytes are u8.
struct RowSumsU8 {
  using Args = RowSumsArgs;
  using Fn = void(const RowSumsArgs&);
};

}  // namespace qtool::kernels
