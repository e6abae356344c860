// Tiles of 4 x 4 pixels: the codes under each, 6 x 6, are transformed to 16 bits, multiplied place by place with the transformed weights,
// and transformed back in 32 bits modulo 2^32.
#include "kernels/products/gemm_neon.inl"

namespace qtool::kernels {
namespace {

constexpr size_t kPlaces = WinogradPacking::kPlaces, kPanel = WinogradPacking::kPanel, kUnit = WinogradPacking::kUnit;
constexpr size_t kRowsOfTile = 4;               ///< tiles that the assembly multiplies at once
constexpr size_t kBlock = kRowsOfTile * kUnit;  ///< s16 entries of them, eight channels
constexpr size_t kStrips = kWinogradTogether / kRowsOfTile;
constexpr int32_t kInverseOf9 = 0x38E38E39;  // 9 * it = 1 modulo 2^32

/// transpose(b) * x, b as in Lavin and Gray's F(4, 3). The first of two passes widens; |x| <= 128 becomes at most 10 * 128.
QTOOL_INLINE void transform(const int8x8_t (&x)[6], int16x8_t (&out)[6]) {
  const int8x8_t four = vdup_n_s8(4);
  const int16x8_t c = vsubl_s8(x[4], x[2]), e = vsubl_s8(x[3], x[1]), d = vaddq_s16(e, e);
  const int16x8_t a = vmlsl_s8(vmovl_s8(x[4]), x[2], four), b = vmlsl_s8(vmovl_s8(x[3]), x[1], four);
  out[0] = vmlaq_n_s16(c, vsubl_s8(x[0], x[2]), 4);
  out[1] = vaddq_s16(a, b), out[2] = vsubq_s16(a, b);
  out[3] = vaddq_s16(c, d), out[4] = vsubq_s16(c, d);
  out[5] = vsubq_s16(vsubl_s8(x[5], x[3]), vaddq_s16(d, d));
}
QTOOL_INLINE void transform(const int16x8_t (&x)[6], int16x8_t (&out)[6]) {
  const int16x8_t c = vsubq_s16(x[4], x[2]), e = vsubq_s16(x[3], x[1]), d = vaddq_s16(e, e);
  const int16x8_t a = vmlsq_n_s16(x[4], x[2], 4), b = vmlsq_n_s16(x[3], x[1], 4);
  out[0] = vmlaq_n_s16(c, vsubq_s16(x[0], x[2]), 4);
  out[1] = vaddq_s16(a, b), out[2] = vsubq_s16(a, b);
  out[3] = vaddq_s16(c, d), out[4] = vsubq_s16(c, d);
  out[5] = vmlsq_n_s16(vsubq_s16(x[5], x[3]), d, 2);
}

template <bool kWhole>
QTOOL_INLINE int8x8_t load_codes(const int8_t* from, size_t n) {
  return kWhole ? vld1_s8(from) : vcreate_s8(few_bytes(from, n));
}

/// Where the 6 x 6 pixels under a tile are. Those beyond the image are others inside: they meet pixels that are not written.
struct Under {
  Under(const WinogradArgs& args, size_t y, size_t x) {
    for (size_t i = 0; i < 6; ++i) {
      row[i] = args.product.a + std::min(y + i, args.h + 1) * args.row_stride;
      column[i] = std::min(x + i, args.w + 1) * args.pixel_stride;
    }
  }
  const int8_t* row[6];
  size_t column[6];
};

/// Channels k .. k + 7 of a tile, the last of them not there unless kWhole; `step` entries between places.
template <bool kWhole>
QTOOL_INLINE void transform_block(const Under& under, size_t k, size_t n, int16_t* to, size_t step) {
  int16x8_t half[6][6];
  for (size_t j = 0; j < 6; ++j) {
    int8x8_t x[6];
    int16x8_t out[6];
    for (size_t i = 0; i < 6; ++i) x[i] = load_codes<kWhole>(under.row[i] + under.column[j] + k, n);
    transform(x, out);
    for (size_t i = 0; i < 6; ++i) half[i][j] = out[i];
  }
  for (size_t i = 0; i < 6; ++i) {
    int16x8_t out[6];
    transform(half[i], out);
    for (size_t j = 0; j < 6; ++j, to += step) vst1q_s16(to, out[j]);
  }
}

/// s16 entry of (place, tile, k) lies at ((place * kStrips + tile / 4) * blocks + k / 8) * 32 + tile % 4 * 8 + k % 8.
__attribute__((noinline)) void transform_tile(const WinogradArgs& args, size_t tile, size_t at, int16_t* out) {
  const size_t across = (args.w + kWinogradTile - 1) / kWinogradTile, depth = args.product.packing.depth;
  const size_t blocks = (depth + kUnit - 1) / kUnit, step = kStrips * blocks * kBlock;
  const Under under(args, tile / across * kWinogradTile, tile % across * kWinogradTile);
  out += at / kRowsOfTile * blocks * kBlock + at % kRowsOfTile * kUnit;
  size_t k = 0;
  for (; k + kUnit <= depth; k += kUnit, out += kBlock) transform_block<true>(under, k, kUnit, out, step);
  if (k < depth) transform_block<false>(under, k, depth - k, out, step);
}

// Accumulators of row r are v16 + 4 r .. v19 + 4 r, by columns; v0 .. v3 rows, eight of depth each; v4, v5 and v6, v7 columns.
#define ROW(OP, lane, low, high, r, c0, c1, c2, c3)                                                                            \
  OP " v" #c0 ".4s, v" #low ".4h, v" #r ".h[" #lane "]\n" OP "2 v" #c1 ".4s, v" #low ".8h, v" #r ".h[" #lane "]\n" OP " v" #c2 \
     ".4s, v" #high ".4h, v" #r ".h[" #lane "]\n" OP "2 v" #c3 ".4s, v" #high ".8h, v" #r ".h[" #lane "]\n"
#define STEP(OP, lane, low, high)                                                                                                    \
  "ldp q" #low ", q" #high ", [%[b]], #32\n" ROW(OP, lane, low, high, 0, 16, 17, 18, 19) ROW(OP, lane, low, high, 1, 20, 21, 22, 23) \
      ROW(OP, lane, low, high, 2, 24, 25, 26, 27) ROW(OP, lane, low, high, 3, 28, 29, 30, 31)
#define BLOCK(FIRST)                                                                                                                      \
  "ldp q0, q1, [%[a]], #32\n ldp q2, q3, [%[a]], #32\n subs %[blocks], %[blocks], #1\n" STEP(FIRST, 0, 4, 5) STEP("smlal", 1, 6, 7) STEP( \
      "smlal", 2, 4, 5) STEP("smlal", 3, 6, 7) STEP("smlal", 4, 4, 5) STEP("smlal", 5, 6, 7) STEP("smlal", 6, 4, 5) STEP("smlal", 7, 6, 7)

/// to[r][c] = sum over k of a(r, k) * b(k, c), r < 4, c < 16, eight k a block.
QTOOL_INLINE void product(const int16_t* a, const int16_t*& b, size_t blocks, int32_t* to) {
  asm volatile(BLOCK("smull") "b.eq 2f\n 1:\n" BLOCK("smlal") "b.ne 1b\n 2:\n"
               "stp q16, q17, [%[to]]\n stp q18, q19, [%[to], #32]\n stp q20, q21, [%[to], #64]\n stp q22, q23, [%[to], #96]\n"
               "stp q24, q25, [%[to], #128]\n stp q26, q27, [%[to], #160]\n stp q28, q29, [%[to], #192]\n stp q30, q31, [%[to], #224]\n"
               : [a] "+r"(a), [b] "+r"(b), [blocks] "+r"(blocks)
               : [to] "r"(to)
               : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25",
                 "v26", "v27", "v28", "v29", "v30", "v31", "cc", "memory");
}

/// All places of a panel: sums[place][tile][column].
__attribute__((noinline)) void multiply(const int16_t* rows, const int16_t* weights, size_t blocks, size_t strips, int32_t* sums) {
  for (size_t place = 0; place < kPlaces; ++place) {
    const int16_t *from = weights, *to = weights;
    for (size_t strip = 0; strip < strips; ++strip) {
      to = from;
      product(rows + strip * blocks * kBlock, to, blocks, sums + strip * kRowsOfTile * kPanel);
    }
    weights = to;
    rows += kStrips * blocks * kBlock, sums += kWinogradTogether * kPanel;
  }
}

/// 24 * transpose(a) * x, a as in F(4, 3), the last three entries of it divided by 2, 4 and 4.
QTOOL_INLINE void restore(const int32x4_t (&x)[6], int32x4_t (&out)[4]) {
  const int32x4_t s12 = vaddq_s32(x[1], x[2]), d12 = vsubq_s32(x[1], x[2]), s34 = vaddq_s32(x[3], x[4]), d34 = vsubq_s32(x[3], x[4]);
  const int32x4_t h = vaddq_s32(d12, d34);
  out[2] = vaddq_s32(s12, s34);
  out[0] = vmlaq_n_s32(vmlaq_n_s32(s34, s12, 4), x[0], 6);
  out[1] = vaddq_s32(h, d12);
  out[3] = vmlaq_n_s32(vaddq_s32(h, d34), x[5], 6);
}

/// Eight columns of a tile, all rows of 6 brought to 4: half[i][j][columns 0-3, 4-7].
using Half = int32x4_t[4][6][2];
QTOOL_INLINE void restore_columns(const int32_t* sums, Half& half) {
  constexpr size_t kStep = kWinogradTogether * kPanel;
  for (size_t j = 0; j < 6; ++j)
    for (size_t h = 0; h < 2; ++h) {
      int32x4_t x[6], out[4];
      for (size_t i = 0; i < 6; ++i) x[i] = vld1q_s32(sums + (6 * i + j) * kStep + 4 * h);
      restore(x, out);
      for (size_t i = 0; i < 4; ++i) half[i][j][h] = out[i];
    }
}

/// acc[2 x + h] += x / 2^(6 - kRow's and column's halvings)
template <int kShift>
QTOOL_INLINE void restore_row(const int32x4_t (&half)[6][2], const int32x4_t (&start)[2], int32x4_t (&acc)[8]) {
  for (size_t h = 0; h < 2; ++h) {
    int32x4_t x[6], out[4];
    for (size_t j = 0; j < 6; ++j) x[j] = half[j][h];
    restore(x, out);
    for (auto& each : out) each = vmulq_n_s32(each, kInverseOf9);
    acc[h] = vsraq_n_s32(start[h], out[0], kShift);
    acc[2 + h] = vsraq_n_s32(start[h], out[1], kShift - 1);
    acc[4 + h] = vsraq_n_s32(start[h], out[2], kShift - 2);
    acc[6 + h] = vsraq_n_s32(start[h], out[3], kShift - 2);
  }
}

/// Four pixels of a row, those of them that are in the output.
template <class Finish>
QTOOL_INLINE void put_row(const Finish& finish, const int32x4_t (&acc)[8], uint8_t* to, size_t pixels) {
  if (pixels == kWinogradTile) return finish.template store<4>(acc, to);
  for (size_t x = 0; x < pixels; ++x) finish.template store<1>(acc + 2 * x, to + x * finish.row_bytes);
}

/// Columns n .. n + 7 of tiles `tile` ..
template <bool kShifted, Path kPath>
__attribute__((noinline)) void finish_tiles(const WinogradArgs& args, size_t tile, size_t tiles, size_t n, const int32_t* sums) {
  const Finish<kShifted, kPath> finish(args.product, n);
  const size_t across = (args.w + kWinogradTile - 1) / kWinogradTile;
  const int32x4_t start[2] = {vld1q_s32(args.product.start + n), vld1q_s32(args.product.start + n + 4)};
  for (size_t i = 0; i < tiles; ++i, sums += kPanel) {
    const size_t y = (tile + i) / across * kWinogradTile, x = (tile + i) % across * kWinogradTile;
    const size_t pixels = std::min(kWinogradTile, args.w - x), rows = std::min(kWinogradTile, args.h - y);
    uint8_t* to = finish.row(y * args.w + x);
    const size_t step = args.w * finish.row_bytes;
    Half half;
    int32x4_t acc[8];
    restore_columns(sums, half);
    restore_row<6>(half[0], start, acc), put_row(finish, acc, to, pixels);
    if (rows > 1) restore_row<5>(half[1], start, acc), put_row(finish, acc, to + step, pixels);
    if (rows > 2) restore_row<4>(half[2], start, acc), put_row(finish, acc, to + 2 * step, pixels);
    if (rows > 3) restore_row<4>(half[3], start, acc), put_row(finish, acc, to + 3 * step, pixels);
  }
}

template <bool kShifted>
void finish_panel(const WinogradArgs& args, size_t tile, size_t tiles, size_t n, const int32_t* sums) {
  for (size_t end = std::min(args.product.packing.n, n + kPanel); n < end; n += kColumns, sums += kColumns) {
    const bool plain = args.product.form == GemmForm::codes && args.product.packing.n - n >= kColumns;
    plain ? finish_tiles<kShifted, Path::full_codes>(args, tile, tiles, n, sums)
          : finish_tiles<kShifted, Path::other>(args, tile, tiles, n, sums);
  }
}

/// At most kWinogradTogether tiles.
void some_tiles(const WinogradArgs& args, size_t tile, size_t tiles) {
  const GemmArgs& p = args.product;
  const WinogradPacking packing{p.packing.n, p.packing.depth};
  const size_t blocks = packing.padded_depth() / kUnit, strips = (tiles + kRowsOfTile - 1) / kRowsOfTile;
  auto* rows = static_cast<int16_t*>(args.workspace);
  auto* sums = reinterpret_cast<int32_t*>(rows + kPlaces * kStrips * blocks * kBlock);
  for (size_t i = 0; i < tiles; ++i) transform_tile(args, tile + i, i, rows);
  for (size_t panel = 0; panel < packing.panels(); ++panel) {
    multiply(rows, args.weights + panel * packing.panel_size(), blocks, strips, sums);
    p.shift ? finish_panel<true>(args, tile, tiles, panel * kPanel, sums) : finish_panel<false>(args, tile, tiles, panel * kPanel, sums);
  }
}

void look_up_tiles(const WinogradArgs& args) {
  const GemmArgs& p = args.product;
  if (!p.table || p.form != GemmForm::codes) return;
  const Table table(p.table);
  const size_t across = (args.w + kWinogradTile - 1) / kWinogradTile;
  for (size_t tile = args.first; tile < args.first + args.tiles; ++tile)
    for (size_t i = 0; i < kWinogradTile * kWinogradTile; ++i) {
      const size_t y = tile / across * kWinogradTile + i / kWinogradTile, x = tile % across * kWinogradTile + i % kWinogradTile;
      if (y >= args.h || x >= args.w) continue;
      uint8_t* codes = static_cast<uint8_t*>(p.out) + (y * args.w + x) * p.out_stride;
      table.map(codes, codes, p.packing.n);
    }
}

}  // namespace

void winograd_neon(const WinogradArgs& args) {
  for (size_t i = 0; i < args.tiles; i += kWinogradTogether) some_tiles(args, args.first + i, std::min(kWinogradTogether, args.tiles - i));
  look_up_tiles(args);
}

}  // namespace qtool::kernels
