// smull and smlal2 add two products of codes to 16 bits (weights hold no -128, so |sum| <= 2 * 128 * 127), sadalp those in pairs to 32:
// tiles of 2 rows and 1 by 8 columns, 16 codes of depth a turn. Rows of a matrix mostly go by pairs, the short way.
#include "kernels/products/gemm_neon.inl"
#include "kernels/products/gemm_pairs_neon.h"

namespace qtool::kernels {
namespace {

// Accumulators of row 0 are v16 .. v23, of row 1 v24 .. v31, by columns. X(b, b, column, its accumulators)
#define COLUMNS01(X) X(4, 5, 16, 17, 24, 25)
#define COLUMNS23(X) X(6, 7, 18, 19, 26, 27)
#define COLUMNS45(X) X(4, 5, 20, 21, 28, 29)
#define COLUMNS67(X) X(6, 7, 22, 23, 30, 31)
#define CLEAR(c) "movi v" #c ".4s, #0\n"
#define CLEAR8(a, b, c, d, e, f, g, h) CLEAR(a) CLEAR(b) CLEAR(c) CLEAR(d) CLEAR(e) CLEAR(f) CLEAR(g) CLEAR(h)
#define CLEAR1 CLEAR8(16, 17, 18, 19, 20, 21, 22, 23)
#define CLEAR2 CLEAR1 CLEAR8(24, 25, 26, 27, 28, 29, 30, 31)

#define SUM(c, t) "sadalp v" #c ".4s, v" #t ".8h\n"
#define LOW(t, a, b) "smull v" #t ".8h, v" #b ".8b, v" #a ".8b\n"
#define HIGH(t, a, b) "smull2 v" #t ".8h, v" #b ".16b, v" #a ".16b\n"
#define ADD_HIGH(t, a, b) "smlal2 v" #t ".8h, v" #b ".16b, v" #a ".16b\n"
// Sixteen codes of depth and two columns b0, b1: row 0 alone, or both. TO is SUM, or SET for the first of a tile.
#define SET(c, t) "saddlp v" #c ".4s, v" #t ".8h\n"
#define PAIR_OF1(b0, b1, c0, c1, d0, d1, TO) LOW(8, 0, b0) LOW(9, 0, b1) ADD_HIGH(8, 0, b0) ADD_HIGH(9, 0, b1) TO(c0, 8) TO(c1, 9)
#define PAIR_OF2(b0, b1, c0, c1, d0, d1, TO) \
  LOW(8, 0, b0)                              \
  LOW(9, 0, b1)                              \
  LOW(10, 1, b0)                             \
  LOW(11, 1, b1) ADD_HIGH(8, 0, b0) ADD_HIGH(9, 0, b1) ADD_HIGH(10, 1, b0) ADD_HIGH(11, 1, b1) TO(c0, 8) TO(c1, 9) TO(d0, 10) TO(d1, 11)
#define PAIR1(b0, b1, c0, c1, d0, d1) PAIR_OF1(b0, b1, c0, c1, d0, d1, SUM)
#define PAIR2(b0, b1, c0, c1, d0, d1) PAIR_OF2(b0, b1, c0, c1, d0, d1, SUM)
#define PAIR_SET1(b0, b1, c0, c1, d0, d1) PAIR_OF1(b0, b1, c0, c1, d0, d1, SET)
#define PAIR_SET2(b0, b1, c0, c1, d0, d1) PAIR_OF2(b0, b1, c0, c1, d0, d1, SET)
// The same where b may hold -128.
#define WIDE_OF1(b0, b1, c0, c1, d0, d1, TO) \
  LOW(8, 0, b0) LOW(9, 0, b1) HIGH(10, 0, b0) HIGH(11, 0, b1) TO(c0, 8) TO(c1, 9) SUM(c0, 10) SUM(c1, 11)
#define WIDE_OF2(b0, b1, c0, c1, d0, d1, TO) \
  WIDE_OF1(b0, b1, c0, c1, d0, d1, TO)       \
  LOW(12, 1, b0) LOW(13, 1, b1) HIGH(14, 1, b0) HIGH(15, 1, b1) TO(d0, 12) TO(d1, 13) SUM(d0, 14) SUM(d1, 15)
#define WIDE1(b0, b1, c0, c1, d0, d1) WIDE_OF1(b0, b1, c0, c1, d0, d1, SUM)
#define WIDE2(b0, b1, c0, c1, d0, d1) WIDE_OF2(b0, b1, c0, c1, d0, d1, SUM)
#define WIDE_SET1(b0, b1, c0, c1, d0, d1) WIDE_OF1(b0, b1, c0, c1, d0, d1, SET)
#define WIDE_SET2(b0, b1, c0, c1, d0, d1) WIDE_OF2(b0, b1, c0, c1, d0, d1, SET)
#define TURN(rows, STEP)                                                                               \
  LOAD16_##rows "ldp q6, q7, [x9, #32]\n ldp q4, q5, [x9], #64\n subs x11, x11, #16\n" COLUMNS01(STEP) \
      COLUMNS23(STEP) "ldp q6, q7, [x9, #32]\n ldp q4, q5, [x9], #64\n" COLUMNS45(STEP) COLUMNS67(STEP)
// Eight codes of depth: a register of b holds two columns, one of a row the codes twice.
#define EIGHT1(b0, c0, c1, d0, d1) LOW(8, 0, b0) HIGH(9, 0, b0) SUM(c0, 8) SUM(c1, 9)
#define EIGHT2(b0, c0, c1, d0, d1) EIGHT1(b0, c0, c1, d0, d1) LOW(10, 1, b0) HIGH(11, 1, b0) SUM(d0, 10) SUM(d1, 11)

#define POINTERS1 "ldr x0, [%[offsets]]\n add %[offsets], %[offsets], x12\n add x0, x0, %[a]\n"
#define POINTERS2 "ldp x0, x1, [%[offsets]]\n add %[offsets], %[offsets], x12\n add x0, x0, %[a]\n add x1, x1, %[a]\n"
#define LOAD16_1 "ldr q0, [x0], #16\n"
#define LOAD16_2 LOAD16_1 "ldr q1, [x1], #16\n"
#define LOAD8_1 "ld1r {v0.2d}, [x0], #8\n"
#define LOAD8_2 LOAD8_1 "ld1r {v1.2d}, [x1], #8\n"

#define DECLARE(b0, b1, c0, c1, d0, d1) register int32x4_t c##c0 asm("v" #c0), c##c1 asm("v" #c1);
#define DECLARE2(b0, b1, c0, c1, d0, d1) DECLARE(b0, b1, c0, c1, d0, d1) register int32x4_t c##d0 asm("v" #d0), c##d1 asm("v" #d1);
#define OUTPUT(b0, b1, c0, c1, d0, d1) , "=w"(c##c0), "=w"(c##c1)
#define OUTPUT2(b0, b1, c0, c1, d0, d1) OUTPUT(b0, b1, c0, c1, d0, d1), "=w"(c##d0), "=w"(c##d1)
#define ALL(X) COLUMNS01(X) COLUMNS23(X) COLUMNS45(X) COLUMNS67(X)

// x0, x1 rows, x9 b, x10 taps left, x11 depth left, x12 step of offsets, x14 depth, x15 bytes of b to skip
#define TILE(name, rows, STEP, FIRST, DECLARATIONS, OUTPUTS, KEEP)                 \
  QTOOL_INLINE void name(const Strip& strip, const Place& place, int32x4_t* acc) { \
    ALL(DECLARATIONS) const Strip* from = &strip;                                  \
    const ptrdiff_t* offsets = place.offsets;                                      \
    asm volatile("ldp x12, x9, [%[from]]\n ldr x10, [%[from], #24]\n" \
                 "ldp x14, x15, [%[from], #32]\n" POINTERS##rows "subs x11, x14, #16\n b.lo 5f\n" \
                 TURN(rows, FIRST) "b.hs 2f\n b 3f\n" \
                 "5:\n" CLEAR##rows "b 3f\n" \
                 "1:\n" POINTERS##rows "subs x11, x14, #16\n b.lo 3f\n" \
                 "2:\n" TURN(rows, STEP) "b.hs 2b\n" \
                 "3:\n tbz x11, #3, 4f\n" LOAD8_##rows "ldp q6, q7, [x9, #32]\n ldp q4, q5, [x9], #64\n" \
                 EIGHT##rows(4, 16, 17, 24, 25) EIGHT##rows(5, 18, 19, 26, 27) EIGHT##rows(6, 20, 21, 28, 29) \
                 EIGHT##rows(7, 22, 23, 30, 31) \
                 "4:\n add x9, x9, x15\n subs x10, x10, #1\n b.ne 1b\n" \
                 : [from] "+r"(from), [offsets] "+r"(offsets) ALL(OUTPUTS) \
                 : [a] "r"(place.a) \
                 : "x0", "x1", "x9", "x10", "x11", "x12", "x14", "x15", "v0", "v1", "v4", "v5", "v6", "v7", "v8", \
                   "v9", "v10", "v11", "v12", "v13", "v14", "v15", "cc", "memory");            \
    KEEP                                                                           \
  }
#define KEEP1                        \
  acc[0] = sums(c16, c17, c18, c19); \
  acc[1] = sums(c20, c21, c22, c23);
#define KEEP2                              \
  KEEP1 acc[2] = sums(c24, c25, c26, c27); \
  acc[3] = sums(c28, c29, c30, c31);

/// The sums of four registers' lanes.
QTOOL_INLINE int32x4_t sums(int32x4_t a, int32x4_t b, int32x4_t c, int32x4_t d) { return vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d)); }

TILE(tile1, 1, PAIR1, PAIR_SET1, DECLARE, OUTPUT, KEEP1)
TILE(tile2, 2, PAIR2, PAIR_SET2, DECLARE2, OUTPUT2, KEEP2)
TILE(wide1, 1, WIDE1, WIDE_SET1, DECLARE, OUTPUT, KEEP1)
TILE(wide2, 2, WIDE2, WIDE_SET2, DECLARE2, OUTPUT2, KEEP2)

/// Eight codes of a row times eight of each of the columns 4 h .. 4 h + 3, `width` bytes apart.
QTOOL_INLINE int32x4_t four_columns(int8x8_t codes, const int8_t* b, size_t width) {
  int32x4_t acc[4];
  for (size_t c = 0; c < 4; ++c) acc[c] = vpaddlq_s16(vmull_s8(codes, vld1_s8(b + c * width)));
  return sums(acc[0], acc[1], acc[2], acc[3]);
}

/// What the assembly leaves of every tap: 1 to 7 codes in a block 8 wide, or 9 to 15 in one of 16.
struct Tails {
  template <size_t kRows>
  static void add(const Strip& strip, const Place& place, size_t rest, int32x4_t* acc) {
    const size_t width = strip.skip / kColumns;
    const int8_t* b = strip.b + strip.depth * kColumns;
    for (size_t t = 0; t < strip.taps; ++t, b += (strip.depth + width) * kColumns)
      for (size_t r = 0; r < kRows; ++r)
        for (size_t k = 0; k < rest; k += 8) {
          const auto codes = vcreate_s8(few_bytes(row_of(strip, place, t, r) + strip.depth + k, rest - k < 8 ? rest - k : 8));
          acc[2 * r] = vaddq_s32(acc[2 * r], four_columns(codes, b + k, width));
          acc[2 * r + 1] = vaddq_s32(acc[2 * r + 1], four_columns(codes, b + 4 * width + k, width));
        }
  }
};

/// kWide: b may hold -128.
template <bool kWide>
struct Baseline {
  static constexpr size_t kMostRows = 2;
  /// Blocks of 16, and a last one of 8 that is full.
  static size_t whole(size_t depth) { return depth % 16 == 8 ? depth : depth / 16 * 16; }
  template <size_t kRows, bool kPlain>
  static QTOOL_INLINE void tile(const Strip& strip, const Place& place, const GemmArgs& args, int32x4_t (&acc)[2 * kRows]) {
    if constexpr (kRows == 2) kWide ? wide2(strip, place, acc) : tile2(strip, place, acc);
    if constexpr (kRows == 1) kWide ? wide1(strip, place, acc) : tile1(strip, place, acc);
    const int32x4_t low = vld1q_s32(strip.start), high = vld1q_s32(strip.start + 4);
    for (size_t r = 0; r < kRows; ++r) acc[2 * r] = vaddq_s32(acc[2 * r], low), acc[2 * r + 1] = vaddq_s32(acc[2 * r + 1], high);
    if (!kPlain && strip.skip != 0) add_out_of_line<Tails, kRows>(strip, place, args.packing.depth - strip.depth, acc);
  }
};

/// The pairs of rows of a matrix, panel by panel.
class Pairs {
 public:
  explicit Pairs(const GemmArgs& args) : args_(args), ending_{} {
    const int base = args.hi > 127 ? 128 : 0;
    vst1q_f32(ending_.magic, vdupq_n_f32(0x1.8p23f));
    vst1q_s16(ending_.zero_point, vdupq_n_s16(static_cast<int16_t>(args.out_zero_point - base)));
    vst1q_s8(ending_.lo, vdupq_n_s8(static_cast<int8_t>(args.lo - base)));
    vst1q_s8(ending_.hi, vdupq_n_s8(static_cast<int8_t>(args.hi - base)));
    vst1q_u8(ending_.flip, vdupq_n_u8(static_cast<uint8_t>(base)));
  }

  size_t rows() const { return args_.m / 2 * 2; }
  /// How many of the columns may go this way.
  size_t columns() const {
    const bool suits = args_.packing.taps == 1 && !args_.offsets && args_.packing.depth % 16 == 0 && args_.m > 1 && !args_.row_start &&
                       args_.form == GemmForm::codes;
    return suits ? args_.packing.n / kColumns * kColumns : 0;
  }

  /// rows() rows of the panel from column n on; or no, where a step may leave 16 bits.
  bool run(size_t n) {
    if (!end_with(n)) return false;
    const PairsRoute route{args_.a,
                           args_.b + n / kColumns * args_.packing.panel_size(),
                           out(n),
                           args_.a_stride,
                           args_.out_stride,
                           args_.m / 2,
                           args_.packing.depth};
    const bool bounded = args_.lo != -128 || args_.hi != 127;
    if (args_.packing.depth == 32)
      bounded ? multiply_pairs<true, true>(route, ending_) : multiply_pairs<true, false>(route, ending_);
    else
      bounded ? multiply_pairs<false, true>(route, ending_) : multiply_pairs<false, false>(route, ending_);
    return true;
  }

 private:
  uint8_t* out(size_t n) const { return static_cast<uint8_t*>(args_.out) + n; }

  bool end_with(size_t n) {
    const float32x4_t products = vdupq_n_f32(127.0f * 128 * static_cast<float>(args_.packing.depth));
    float32x4_t most = vdupq_n_f32(0);
    for (size_t h = 0; h < kColumns; h += 4) {
      const int32x4_t start = vld1q_s32(args_.start + n + h);
      const float32x4_t scale = vld1q_f32(args_.scale + n + h);
      const float32x4_t shift = args_.shift ? vld1q_f32(args_.shift + n + h) : vdupq_n_f32(0);
      vst1q_s32(ending_.start + h, start), vst1q_f32(ending_.scale + h, scale), vst1q_f32(ending_.shift + h, shift);
      const float32x4_t sum = vaddq_f32(vabsq_f32(vcvtq_f32_s32(start)), products);
      most = vmaxq_f32(most, vfmaq_f32(vabsq_f32(shift), sum, vabsq_f32(scale)));
    }
    return vmaxvq_f32(most) < 32000;
  }

  const GemmArgs& args_;
  PairsEnding ending_;
};

template <bool kShifted>
void by_pairs(const GemmArgs& args) {
  using Level = Baseline<false>;
  const Source source(args, Level::whole(args.packing.depth));
  Pairs pairs(args);
  const size_t columns = pairs.columns(), rows = pairs.rows();
  for (size_t n = 0; n < columns; n += kColumns) {
    const size_t done = pairs.run(n) ? rows : 0;
    if (done < args.m) panels<Level, kShifted>(args, source, done, n, n + kColumns);
  }
  if (columns < args.packing.n) panels<Level, kShifted>(args, source, 0, columns, args.packing.n);
}

}  // namespace

void gemm_neon(const GemmArgs& args) {
  if (args.b_lowest) return gemm_with<Baseline<true>>(args);
  with_gathering(args, [](const GemmArgs& part) { part.shift ? by_pairs<true>(part) : by_pairs<false>(part); });
}

}  // namespace qtool::kernels
