// A panel of 8 columns at a time: rows of 8 codes are transposed in registers where columns lie side by side, columns of 16 codes are
// dealt out where the depth does.
#include <arm_neon.h>

#include <algorithm>
#include <cstring>

#include "kernels/registry.h"

#define QTOOL_INLINE __attribute__((always_inline)) inline

namespace qtool::kernels {
namespace {

constexpr size_t kColumns = 8;

QTOOL_INLINE int8x16_t zip1_16(int8x16_t a, int8x16_t b) {
  return vreinterpretq_s8_s16(vzip1q_s16(vreinterpretq_s16_s8(a), vreinterpretq_s16_s8(b)));
}
QTOOL_INLINE int8x16_t zip2_16(int8x16_t a, int8x16_t b) {
  return vreinterpretq_s8_s16(vzip2q_s16(vreinterpretq_s16_s8(a), vreinterpretq_s16_s8(b)));
}
QTOOL_INLINE int8x16_t zip1_32(int8x16_t a, int8x16_t b) {
  return vreinterpretq_s8_s32(vzip1q_s32(vreinterpretq_s32_s8(a), vreinterpretq_s32_s8(b)));
}
QTOOL_INLINE int8x16_t zip2_32(int8x16_t a, int8x16_t b) {
  return vreinterpretq_s8_s32(vzip2q_s32(vreinterpretq_s32_s8(a), vreinterpretq_s32_s8(b)));
}
QTOOL_INLINE int8x16_t zip1_64(int8x16_t a, int8x16_t b) {
  return vreinterpretq_s8_s64(vzip1q_s64(vreinterpretq_s64_s8(a), vreinterpretq_s64_s8(b)));
}
QTOOL_INLINE int8x16_t zip2_64(int8x16_t a, int8x16_t b) {
  return vreinterpretq_s8_s64(vzip2q_s64(vreinterpretq_s64_s8(a), vreinterpretq_s64_s8(b)));
}

/// A panel: where it is read and written, how much of it there is.
struct Panel {
  const uint8_t* b;
  size_t step, depth, columns, padded;
  uint8x16_t flip;
  int8_t* to;

  template <size_t kBytes>
  QTOOL_INLINE int8x16_t load(const uint8_t* from, size_t n) const {
    if (n == 0) return vdupq_n_s8(0);
    uint8_t bytes[16] = {};
    if (n < kBytes) {
      std::memcpy(bytes, from, n);
      uint8_t mask[16] = {};
      std::memset(mask, 0xFF, n);
      return vreinterpretq_s8_u8(vandq_u8(veorq_u8(vld1q_u8(bytes), flip), vld1q_u8(mask)));
    }
    const uint8x16_t codes = kBytes == 16 ? vld1q_u8(from) : vcombine_u8(vld1_u8(from), vdup_n_u8(0));
    return vreinterpretq_s8_u8(veorq_u8(codes, flip));
  }
};

/// Eight columns of four rows, [n][4], in two registers.
QTOOL_INLINE void four(const int8x16_t* rows, int8x16_t (&to)[2]) {
  const int8x16_t a = vzip1q_s8(rows[0], rows[1]), b = vzip1q_s8(rows[2], rows[3]);
  to[0] = zip1_16(a, b), to[1] = zip2_16(a, b);
}
QTOOL_INLINE void eight(const int8x16_t* rows, int8x16_t (&to)[4]) {
  int8x16_t a[2], b[2];
  four(rows, a);
  four(rows + 4, b);
  to[0] = zip1_32(a[0], b[0]), to[1] = zip2_32(a[0], b[0]), to[2] = zip1_32(a[1], b[1]), to[3] = zip2_32(a[1], b[1]);
}

/// kRows rows of a row-major matrix to a block that wide.
template <size_t kRows>
QTOOL_INLINE void transpose(const int8x16_t* rows, int8_t* to) {
  if constexpr (kRows == 4) {
    int8x16_t out[2];
    four(rows, out);
    for (size_t i = 0; i < 2; ++i) vst1q_s8(to + 16 * i, out[i]);
  } else if constexpr (kRows == 8) {
    int8x16_t out[4];
    eight(rows, out);
    for (size_t i = 0; i < 4; ++i) vst1q_s8(to + 16 * i, out[i]);
  } else {
    int8x16_t low[4], high[4];
    eight(rows, low);
    eight(rows + 8, high);
    for (size_t i = 0; i < 4; ++i) vst1q_s8(to + 32 * i, zip1_64(low[i], high[i])), vst1q_s8(to + 32 * i + 16, zip2_64(low[i], high[i]));
  }
}

/// Rows k .. k + kRows - 1 of a row-major matrix; adds them to the sums of the columns.
template <size_t kRows, bool kFull>
QTOOL_INLINE void row_block(const Panel& panel, size_t k, int32x4_t (&sums)[2]) {
  int8x16_t rows[kRows];
  int16x8_t sum = vdupq_n_s16(0);
  for (size_t r = 0; r < kRows; ++r) {
    const size_t n = kFull ? kColumns : (k + r < panel.depth ? panel.columns : 0);
    rows[r] = kFull ? panel.load<8>(panel.b + (k + r) * panel.step, kColumns) : panel.load<8>(panel.b + (k + r) * panel.step, n);
    if (r % 2 == 1) sum = vaddq_s16(sum, vaddl_s8(vget_low_s8(rows[r - 1]), vget_low_s8(rows[r])));
  }
  transpose<kRows>(rows, panel.to + k * kColumns);
  sums[0] = vaddw_s16(sums[0], vget_low_s16(sum)), sums[1] = vaddw_high_s16(sums[1], sum);
}

/// Columns side by side in memory.
template <size_t kR>
void rows_of(const Panel& panel, int32x4_t (&sums)[2]) {
  size_t k = 0;
  if (panel.columns == kColumns)
    for (; k + kR <= panel.depth; k += kR) row_block<kR, true>(panel, k, sums);
  for (; k + kR <= panel.padded; k += kR) row_block<kR, false>(panel, k, sums);
  if constexpr (kR == 16)
    if (k < panel.padded) row_block<8, false>(panel, k, sums);
}

/// Sixteen codes of each column (only `width` of them are kept) in groups of kR.
template <size_t kR>
QTOOL_INLINE void deal(const int8x16_t (&c)[kColumns], int8_t* to, size_t width) {
  if constexpr (kR == 16) {
    for (size_t n = 0; n < kColumns; ++n) width == 16 ? vst1q_s8(to + 16 * n, c[n]) : vst1_s8(to + 8 * n, vget_low_s8(c[n]));
  } else if constexpr (kR == 8) {
    for (size_t n = 0; n < kColumns; n += 2) {
      vst1q_s8(to + 8 * n, zip1_64(c[n], c[n + 1]));
      if (width == 16) vst1q_s8(to + 64 + 8 * n, zip2_64(c[n], c[n + 1]));
    }
  } else {
    for (size_t n = 0; n < kColumns; n += 4) {
      const int8x16_t a = zip1_32(c[n], c[n + 1]), b = zip1_32(c[n + 2], c[n + 3]), x = zip2_32(c[n], c[n + 1]),
                      y = zip2_32(c[n + 2], c[n + 3]);
      const int8x16_t groups[4] = {zip1_64(a, b), zip2_64(a, b), zip1_64(x, y), zip2_64(x, y)};
      for (size_t g = 0; 4 * g < width; ++g) vst1q_s8(to + 32 * g + 4 * n, groups[g]);
    }
  }
}

/// The depth side by side in memory.
template <size_t kR>
void columns_of(const Panel& panel, int32x4_t (&sums)[2]) {
  int32x4_t column[kColumns];
  for (auto& sum : column) sum = vdupq_n_s32(0);
  for (size_t k = 0; k < panel.padded; k += 16) {
    int8x16_t codes[kColumns];
    const size_t n = std::min<size_t>(16, panel.depth - k);
    const bool full = n == 16 && panel.columns == kColumns;
    for (size_t c = 0; c < kColumns; ++c) {
      const uint8_t* from = panel.b + c * panel.step + k;
      codes[c] = full ? panel.load<16>(from, 16) : panel.load<16>(from, c < panel.columns ? n : 0);
      column[c] = vpadalq_s16(column[c], vpaddlq_s8(codes[c]));
    }
    deal<kR>(codes, panel.to + k * kColumns, std::min<size_t>(16, panel.padded - k));
  }
  for (size_t h = 0; h < 2; ++h)
    sums[h] =
        vaddq_s32(sums[h], vpaddq_s32(vpaddq_s32(column[4 * h], column[4 * h + 1]), vpaddq_s32(column[4 * h + 2], column[4 * h + 3])));
}

template <size_t kR>
void pack(const GemmPackArgs& args) {
  const GemmPacking& p = args.packing;
  const bool by_rows = args.step_n == 1;
  for (size_t n = 0; n < p.n; n += kColumns) {
    int32x4_t sums[2] = {};
    for (size_t t = 0; t < p.taps; ++t) {
      const Panel panel{args.b + t * args.step_t + n * args.step_n,
                        by_rows ? args.step_k : args.step_n,
                        p.depth,
                        std::min(kColumns, p.n - n),
                        p.padded_depth(),
                        vdupq_n_u8(args.flip),
                        args.packed + n / kColumns * p.panel_size() + t * p.padded_depth() * kColumns};
      by_rows ? rows_of<kR>(panel, sums) : columns_of<kR>(panel, sums);
    }
    if (args.sums) vst1q_s32(args.sums + n, sums[0]), vst1q_s32(args.sums + n + 4, sums[1]);
  }
}

}  // namespace

void gemm_pack_neon(const GemmPackArgs& args) {
  const GemmTile& tile = args.packing.tile;
  const bool known = tile.nr == kColumns && (tile.unit == tile.kr || (tile.kr == 16 && tile.unit == 8));
  if (!known || (args.step_n != 1 && args.step_k != 1)) return gemm_pack_scalar(args);
  if (tile.kr == 4) return pack<4>(args);
  if (tile.kr == 8) return pack<8>(args);
  tile.kr == 16 ? pack<16>(args) : gemm_pack_scalar(args);
}

}  // namespace qtool::kernels
