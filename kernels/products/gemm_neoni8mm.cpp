// smmla multiplies two rows of eight codes with two columns of eight. Rows are loaded whole and zipped in pairs, so that no register but
// the accumulators is carried from turn to turn: 4 rows by two panels, or 8, 4 or 2 rows by one; a single row takes sdot.
#include "kernels/products/gemm_neon.inl"

namespace qtool::kernels {
namespace {

// Pairs of rows: X(r, s, first halves, second halves, accumulators of columns (0, 1), (2, 3), (4, 5), (6, 7)). An accumulator holds
// [r][0] [r][1] [s][0] [s][1]. Rows' pointers are x0 .. x7, their codes v0 .. v7.
#define PAIRS2(X) X(0, 1, 15, 1, 16, 17, 18, 19)
#define PAIRS4(X) PAIRS2(X) X(2, 3, 0, 3, 20, 21, 22, 23)
#define PAIRS8(X) PAIRS4(X) X(4, 5, 2, 5, 24, 25, 26, 27) X(6, 7, 4, 6, 28, 29, 30, 31)
// The same of two panels.
#define FIRST(X) X(0, 1, 4, 5, 16, 17, 18, 19) X(2, 3, 6, 7, 20, 21, 22, 23)
#define SECOND(X) X(0, 1, 4, 5, 24, 25, 26, 27) X(2, 3, 6, 7, 28, 29, 30, 31)

// x0 .. = the rows of the next tap: a plus what `offsets` points to, which then moves on by x12.
#define POINTERS2 "ldp x0, x1, [%[offsets]]\n add %[offsets], %[offsets], x12\n add x0, x0, %[a]\n add x1, x1, %[a]\n"
#define POINTERS4 "ldp x2, x3, [%[offsets], #16]\n add x2, x2, %[a]\n add x3, x3, %[a]\n" POINTERS2
#define POINTERS8                                                                                                                         \
  "ldp x4, x5, [%[offsets], #32]\n ldp x6, x7, [%[offsets], #48]\n add x4, x4, %[a]\n add x5, x5, %[a]\n add x6, x6, %[a]\n add x7, x7, " \
  "%[a]\n" POINTERS4

#define START(c) "ld1r {v" #c ".2d}, [x15], #8\n"
#define START8 START(16) START(17) START(18) START(19)
#define COPY(c, from) "mov v" #c ".16b, v" #from ".16b\n"
#define COPY8(c0, c1, c2, c3) COPY(c0, 16) COPY(c1, 17) COPY(c2, 18) COPY(c3, 19)
#define FILL2 START8
#define FILL4 FILL2 COPY8(20, 21, 22, 23)
#define FILL8 FILL4 COPY8(24, 25, 26, 27) COPY8(28, 29, 30, 31)

#define LOAD16(r, s, lo, hi, c0, c1, c2, c3) "ldr q" #r ", [x" #r "], #16\n ldr q" #s ", [x" #s "], #16\n"
#define LOAD8(r, s, lo, hi, c0, c1, c2, c3) "ldr d" #r ", [x" #r "], #8\n ldr d" #s ", [x" #s "], #8\n"
#define ZIP1(r, s, lo, hi, c0, c1, c2, c3) "zip1 v" #lo ".2d, v" #r ".2d, v" #s ".2d\n"
#define ZIP(r, s, lo, hi, c0, c1, c2, c3) ZIP1(r, s, lo, hi, , , , ) "zip2 v" #hi ".2d, v" #r ".2d, v" #s ".2d\n"
#define MUL(c, a, b) "smmla v" #c ".4s, v" #a ".16b, v" #b ".16b\n"
#define MUL4(a, b0, b1, b2, b3, c0, c1, c2, c3) MUL(c0, a, b0) MUL(c1, a, b1) MUL(c2, a, b2) MUL(c3, a, b3)
// One panel: b in v7 .. v10 and v11 .. v14.
#define LOAD_B8 "ld1 {v7.16b, v8.16b, v9.16b, v10.16b}, [x9], #64\n"
#define LOAD_B16 LOAD_B8 "ld1 {v11.16b, v12.16b, v13.16b, v14.16b}, [x9], #64\n"
#define LOW(r, s, lo, hi, c0, c1, c2, c3) MUL4(lo, 7, 8, 9, 10, c0, c1, c2, c3)
#define HIGH(r, s, lo, hi, c0, c1, c2, c3) MUL4(hi, 11, 12, 13, 14, c0, c1, c2, c3)
// Two: b in v8 .. v11 and v12 .. v15.
#define LOAD_TWO8(x) "ld1 {v8.16b, v9.16b, v10.16b, v11.16b}, [" #x "], #64\n"
#define LOAD_TWO16(x) LOAD_TWO8(x) "ld1 {v12.16b, v13.16b, v14.16b, v15.16b}, [" #x "], #64\n"
#define LOW_TWO(r, s, lo, hi, c0, c1, c2, c3) MUL4(lo, 8, 9, 10, 11, c0, c1, c2, c3)
#define HIGH_TWO(r, s, lo, hi, c0, c1, c2, c3) MUL4(hi, 12, 13, 14, 15, c0, c1, c2, c3)

#define DECLARE(r, s, lo, hi, c0, c1, c2, c3) \
  register int32x4_t c##c0 asm("v" #c0), c##c1 asm("v" #c1), c##c2 asm("v" #c2), c##c3 asm("v" #c3);
#define OUTPUT(r, s, lo, hi, c0, c1, c2, c3) , "=w"(c##c0), "=w"(c##c1), "=w"(c##c2), "=w"(c##c3)
#define KEEP(r, s, lo, hi, c0, c1, c2, c3) keep(acc + 2 * r, c##c0, c##c1, c##c2, c##c3);
#define KEEP_SECOND(r, s, lo, hi, c0, c1, c2, c3) keep(next + 2 * r, c##c0, c##c1, c##c2, c##c3);
#define CLOBBERED                                                                                                                          \
  "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x9", "x10", "x11", "x12", "x14", "x15", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", \
      "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "cc", "memory"
// x9 b, x10 taps left, x11 depth left, x12 step of offsets, x14 depth, x15 start, then bytes of b to skip
#define OPERANDS "ldp x12, x9, [%[from]]\n ldp x15, x10, [%[from], #16]\n ldp x14, %[from], [%[from], #32]\n"

QTOOL_INLINE int32x4_t first_halves(int32x4_t a, int32x4_t b) {
  return vreinterpretq_s32_s64(vzip1q_s64(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b)));
}
QTOOL_INLINE int32x4_t second_halves(int32x4_t a, int32x4_t b) {
  return vreinterpretq_s32_s64(vzip2q_s64(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b)));
}
/// Two rows of columns 0-7 from a pair's accumulators.
QTOOL_INLINE void keep(int32x4_t* rows, int32x4_t c0, int32x4_t c1, int32x4_t c2, int32x4_t c3) {
  rows[0] = first_halves(c0, c1), rows[1] = first_halves(c2, c3);
  rows[2] = second_halves(c0, c1), rows[3] = second_halves(c2, c3);
}

#define TILE(rows)                                                                                                                \
  QTOOL_INLINE void tile##rows(const Strip& strip, const Place& place, int32x4_t* acc) {                                          \
    PAIRS##rows(DECLARE) const Strip* from = &strip;                                                                              \
    const ptrdiff_t* offsets = place.offsets;                                                                                     \
    asm volatile(OPERANDS FILL##rows "mov x15, %[from]\n"                                                                       \
                 "1:\n" POINTERS##rows "subs x11, x14, #16\n b.lo 3f\n"                                                         \
                 "2:\n" PAIRS##rows(LOAD16) PAIRS##rows(ZIP) LOAD_B16 "subs x11, x11, #16\n" PAIRS##rows(LOW) PAIRS##rows(HIGH) \
                 "b.hs 2b\n"                                                                                                    \
                 "3:\n tbz x11, #3, 4f\n" PAIRS##rows(LOAD8) PAIRS##rows(ZIP1) LOAD_B8 PAIRS##rows(LOW)                         \
                 "4:\n add x9, x9, x15\n subs x10, x10, #1\n b.ne 1b\n"                                                         \
                 : [from] "+r"(from), [offsets] "+r"(offsets) PAIRS##rows(OUTPUT)                                                                        \
                 : [a] "r"(place.a)                                                                                                              \
                 : CLOBBERED); \
    PAIRS##rows(KEEP)                                                                                                             \
  }
TILE(2)
TILE(4)
TILE(8)

/// 4 rows of two panels `panel` bytes apart: acc of the first, next of the second.
QTOOL_INLINE void tile4_two(const Strip& strip, const Place& place, size_t panel, int32x4_t* acc, int32x4_t* next) {
  FIRST(DECLARE) SECOND(DECLARE) const Strip* from = &strip;
  const ptrdiff_t* offsets = place.offsets;
  asm volatile(OPERANDS START8 START(24) START(25) START(26) START(27) COPY8(20, 21, 22, 23)  //
               COPY(28, 24) COPY(29, 25) COPY(30, 26) COPY(31, 27)                            //
               "mov x15, %[from]\n add %[panel], %[panel], x9\n"
               "1:\n" POINTERS4 "subs x11, x14, #16\n b.lo 3f\n"
               "2:\n" FIRST(LOAD16) LOAD_TWO16(x9) FIRST(ZIP) "subs x11, x11, #16\n" FIRST(LOW_TWO) FIRST(HIGH_TWO)
                   LOAD_TWO16(%[panel]) SECOND(LOW_TWO) SECOND(HIGH_TWO) "b.hs 2b\n"
               "3:\n tbz x11, #3, 4f\n" FIRST(LOAD8) FIRST(ZIP1) LOAD_TWO8(x9) FIRST(LOW_TWO) LOAD_TWO8(%[panel]) SECOND(LOW_TWO)
               "4:\n add x9, x9, x15\n add %[panel], %[panel], x15\n subs x10, x10, #1\n b.ne 1b\n"
               : [from] "+r"(from), [offsets] "+r"(offsets), [panel] "+r"(panel) FIRST(OUTPUT) SECOND(OUTPUT)
               : [a] "r"(place.a)
               : CLOBBERED);
  FIRST(KEEP) SECOND(KEEP_SECOND)
}

/// One row: its codes twice in a register, times two columns in one sdot.
QTOOL_INLINE void tile1(const Strip& strip, const Place& place, int32x4_t* acc) {
  register int32x4_t c0 asm("v16"), c1 asm("v17"), c2 asm("v18"), c3 asm("v19");
  const Strip* from = &strip;
  const ptrdiff_t* offsets = place.offsets;
#define DOT(a, b0, b1, b2, b3)                                                                                        \
  "sdot v16.4s, v" #a ".16b, v" #b0 ".16b\n sdot v17.4s, v" #a ".16b, v" #b1 ".16b\n sdot v18.4s, v" #a ".16b, v" #b2 \
  ".16b\n sdot v19.4s, v" #a ".16b, v" #b3 ".16b\n"
  asm volatile(OPERANDS "movi v16.4s, #0\n movi v17.4s, #0\n movi v18.4s, #0\n movi v19.4s, #0\n mov x15, %[from]\n"
               "1:\n ldr x0, [%[offsets]]\n add %[offsets], %[offsets], x12\n add x0, x0, %[a]\n subs x11, x14, #32\n b.lo 7f\n"
               "6:\n ld1r {v0.2d}, [x0], #8\n ld1r {v1.2d}, [x0], #8\n ld1r {v2.2d}, [x0], #8\n ld1r {v3.2d}, [x0], #8\n" LOAD_B16
               "subs x11, x11, #32\n" DOT(0, 7, 8, 9, 10) DOT(1, 11, 12, 13, 14) LOAD_B16 DOT(2, 7, 8, 9, 10)
                   DOT(3, 11, 12, 13, 14) "b.hs 6b\n"
               "7:\n adds x11, x11, #16\n b.lo 3f\n"
               "2:\n ld1r {v0.2d}, [x0], #8\n ld1r {v1.2d}, [x0], #8\n" LOAD_B16 "subs x11, x11, #16\n"  //
               DOT(0, 7, 8, 9, 10) DOT(1, 11, 12, 13, 14) "b.hs 2b\n"
               "3:\n tbz x11, #3, 4f\n ld1r {v0.2d}, [x0], #8\n" LOAD_B8 DOT(0, 7, 8, 9, 10)
               "4:\n add x9, x9, x15\n subs x10, x10, #1\n b.ne 1b\n"
               : [from] "+r"(from), [offsets] "+r"(offsets), "=w"(c0), "=w"(c1), "=w"(c2), "=w"(c3)
               : [a] "r"(place.a)
               : CLOBBERED);
  acc[0] = vaddq_s32(vpaddq_s32(c0, c1), vld1q_s32(strip.start));
  acc[1] = vaddq_s32(vpaddq_s32(c2, c3), vld1q_s32(strip.start + 4));
}

/// The last 1 to 7 codes of every tap.
struct Tails {
  template <size_t kRows>
  static void add(const Strip& strip, const Place& place, size_t rest, int32x4_t* acc) {
    const size_t panel = (strip.depth + 8) * kColumns;
    const int8_t* b = strip.b + strip.depth * kColumns;
    for (size_t t = 0; t < strip.taps; ++t, b += panel)
      for (size_t r = 0; r < kRows; ++r) {
        const auto eight = vreinterpretq_s8_u64(vdupq_n_u64(few_bytes(row_of(strip, place, t, r) + strip.depth, rest)));
        const auto dot = [&](size_t pair) { return vdotq_s32(vdupq_n_s32(0), eight, vld1q_s8(b + 16 * pair)); };
        acc[2 * r] = vaddq_s32(acc[2 * r], vpaddq_s32(dot(0), dot(1)));
        acc[2 * r + 1] = vaddq_s32(acc[2 * r + 1], vpaddq_s32(dot(2), dot(3)));
      }
  }
};

struct Matrix8 {
  static constexpr size_t kMostRows = 8;
  static size_t whole(size_t depth) { return depth / 8 * 8; }
  template <size_t kRows, bool kPlain>
  static QTOOL_INLINE void tile(const Strip& strip, const Place& place, const GemmArgs& args, int32x4_t (&acc)[2 * kRows]) {
    if constexpr (kRows == 8) tile8(strip, place, acc);
    if constexpr (kRows == 4) tile4(strip, place, acc);
    if constexpr (kRows == 2) tile2(strip, place, acc);
    if constexpr (kRows == 1) tile1(strip, place, acc);
    if (!kPlain && strip.skip != 0) add_out_of_line<Tails, kRows>(strip, place, args.packing.depth - strip.depth, acc);
  }
};

/// Pairs of panels of columns begin .. end - 1; rows by fours.
template <bool kShifted, Path kPath>
__attribute__((noinline)) void pairs_by(const GemmArgs& args, const ptrdiff_t* dense, Strip strip, size_t begin, size_t end) {
  const Walk walk(args, dense);
  const size_t size = args.packing.panel_size(), rest = args.packing.depth - strip.depth;
  strip.b = args.b + begin / kColumns * size;
  for (size_t n = begin; n < end; n += 2 * kColumns, strip.b += 2 * size) {
    const Finish<kShifted, kPath> first(args, n), second(args, n + kColumns);
    strip.start = args.start + n;
    Place place = walk.at(0);
    uint8_t *to = first.row(0), *next_to = second.row(0);
    const size_t four = 4 * first.row_bytes;
    for (size_t i = 0; i + 4 <= walk.m; i += 4, to += four, next_to += four, walk.next<4>(place)) {
      int32x4_t low[8], high[8];
      tile4_two(strip, place, size, low, high);
      if (kPath == Path::other && strip.skip != 0) {
        add_out_of_line<Tails, 4>(strip, place, rest, low);
        Strip next = strip;
        next.b += size;
        add_out_of_line<Tails, 4>(next, place, rest, high);
      }
      if constexpr (kPath == Path::other) {
        add_row_start<4>(walk.row_start, i, low);
        add_row_start<4>(walk.row_start, i, high);
      }
      first.template store<4>(low, to);
      second.template store<4>(high, next_to);
    }
  }
}

/// Fours of rows by pairs of panels, the rows that remain and a last panel by single ones.
template <bool kShifted>
void pairs(const GemmArgs& args) {
  const Source source(args, Matrix8::whole(args.packing.depth));
  const size_t even = args.packing.panels() / 2 * 2 * kColumns, fours = args.m / 4 * 4;
  const size_t middle = short_path(args, source.strip, 0, even) / (2 * kColumns) * (2 * kColumns);
  auto* const plain = has_full_range(args) ? pairs_by<kShifted, Path::full_range> : pairs_by<kShifted, Path::full_codes>;
  if (fours > 0 && middle > 0) plain(args, source.dense, source.strip, 0, middle);
  if (fours > 0 && middle < even) pairs_by<kShifted, Path::other>(args, source.dense, source.strip, middle, even);
  if (fours < args.m) panels<Matrix8, kShifted>(args, source, fours, 0, std::min(even, args.packing.n));
  if (even < args.packing.n) panels<Matrix8, kShifted>(args, source, 0, even, args.packing.n);
}

}  // namespace

void gemm_neoni8mm(const GemmArgs& args) {
  with_gathering(args, [](const GemmArgs& part) { part.shift ? pairs<true>(part) : pairs<false>(part); });
}

}  // namespace qtool::kernels
