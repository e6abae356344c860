// Four codes of a row times those of four columns in one sdot: tiles of 8, 4, 2 and 1 rows by 8 columns, 16 codes of depth a turn.
#include "kernels/products/gemm_neon.inl"
#include "kernels/products/tiles_neon.h"

namespace qtool::kernels {
namespace {

#define START(r, c, d) "ldp q" #c ", q" #d ", [x15]\n"
#define LOAD16(r, c, d) "ldr q" #r ", [x" #r "], #16\n"
#define LOAD8(r, c, d) "ldr d" #r ", [x" #r "], #8\n"
#define LOAD4(r, c, d) "ldr s" #r ", [x" #r "], #4\n"
// Half or all of 16 steps of depth of the panel, which moves on.
#define LOAD_B8 "ld1 {v8.16b, v9.16b, v10.16b, v11.16b}, [x9], #64\n"
#define LOAD_B16 LOAD_B8 "ld1 {v12.16b, v13.16b, v14.16b, v15.16b}, [x9], #64\n"
#define DOT(r, c, d, b0, b1, k) "sdot v" #c ".4s, v" #b0 ".16b, v" #r ".4b[" #k "]\n sdot v" #d ".4s, v" #b1 ".16b, v" #r ".4b[" #k "]\n"
#define DOT0(r, c, d) DOT(r, c, d, 8, 9, 0)
#define DOT1(r, c, d) DOT(r, c, d, 10, 11, 1)
#define DOT2(r, c, d) DOT(r, c, d, 12, 13, 2)
#define DOT3(r, c, d) DOT(r, c, d, 14, 15, 3)

// x0-x7 rows, x9 b, x10 taps left, x11 depth left, x12 step of offsets, x14 depth, x15 bytes of b to skip
#define TILE(rows)                                                                       \
  QTOOL_INLINE void tile##rows(const Strip& strip, const Place& place, int32x4_t* acc) { \
    QTOOL_ROWS##rows(QTOOL_DECLARE) const Strip* from = &strip;                          \
    const ptrdiff_t* offsets = place.offsets;                                            \
    asm volatile("ldp x12, x9, [%[from]]\n ldp x15, x10, [%[from], #16]\n"             \
                 "ldp x14, %[from], [%[from], #32]\n " FILL##rows "mov x15, %[from]\n" \
                 "1:\n" QTOOL_POINTERS##rows HEAD##rows                                        \
                 "2:\n" QTOOL_ROWS##rows(LOAD16)                                                                     \
                 LOAD_B16 "subs x11, x11, #16\n" QTOOL_ROWS##rows(DOT0) QTOOL_ROWS##rows(DOT1)       \
                 QTOOL_ROWS##rows(DOT2) QTOOL_ROWS##rows(DOT3) "b.hs 2b\n"                                           \
                 "3:\n tbz x11, #3, 4f\n" QTOOL_ROWS##rows(LOAD8)                                                    \
                 LOAD_B8 QTOOL_ROWS##rows(DOT0) QTOOL_ROWS##rows(DOT1)   \
                 "4:\n tbz x11, #2, 5f\n" QTOOL_ROWS##rows(LOAD4) "ldp q8, q9, [x9], #32\n" QTOOL_ROWS##rows(DOT0)   \
                 "5:\n add x9, x9, x15\n subs x10, x10, #1\n b.ne 1b\n"                                              \
                 : [from] "+r"(from), [offsets] "+r"(offsets) QTOOL_ROWS##rows(QTOOL_OUTPUT)                                                  \
                 : [a] "r"(place.a)                                                                                                   \
                 : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x9", "x10", "x11", "x12", "x14",    \
                   "x15", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13",    \
                   "v14", "v15", "cc", "memory"); \
    QTOOL_ROWS##rows(QTOOL_KEEP)                                                         \
  }
#define HEAD8 "subs x11, x14, #16\n b.lo 3f\n"
#define HEAD4 HEAD8
#define HEAD2 HEAD8
// A single row takes 32 codes a turn first.
#define HEAD1                                                                                                                  \
  "subs x11, x14, #32\n b.lo 7f\n6:\n ldp q0, q1, [x0], #32\n" LOAD_B16 "subs x11, x11, #32\n" DOT0(0, 16, 17) DOT1(0, 16, 17) \
      DOT2(0, 16, 17) DOT3(0, 16, 17) LOAD_B16 DOT0(1, 16, 17) DOT1(1, 16, 17) DOT2(1, 16, 17)                                 \
          DOT3(1, 16, 17) "b.hs 6b\n7:\n adds x11, x11, #16\n b.lo 3f\n"
#define FILL1 START(0, 16, 17)
#define FILL2 FILL1 START(1, 18, 19)
#define FILL4 FILL2 START(2, 20, 21) START(3, 22, 23)
#define FILL8 FILL4 START(4, 24, 25) START(5, 26, 27) START(6, 28, 29) START(7, 30, 31)

TILE(1)
TILE(2)
TILE(4)
TILE(8)

/// The last 1 to 3 codes of every tap.
struct Tails {
  template <size_t kRows>
  static void add(const Strip& strip, const Place& place, size_t rest, int32x4_t* acc) {
    const size_t padded = strip.depth + 4;
    const int8_t* b = strip.b + strip.depth * kColumns;
    for (size_t t = 0; t < strip.taps; ++t, b += padded * kColumns)
      for (size_t r = 0; r < kRows; ++r) {
        const auto four =
            vreinterpretq_s8_u32(vdupq_n_u32(static_cast<uint32_t>(few_bytes(row_of(strip, place, t, r) + strip.depth, rest))));
        acc[2 * r] = vdotq_s32(acc[2 * r], four, vld1q_s8(b));
        acc[2 * r + 1] = vdotq_s32(acc[2 * r + 1], four, vld1q_s8(b + 16));
      }
  }
};

struct Dot {
  static constexpr size_t kMostRows = 8;
  static size_t whole(size_t depth) { return depth / 4 * 4; }
  template <size_t kRows, bool kPlain>
  static QTOOL_INLINE void tile(const Strip& strip, const Place& place, const GemmArgs& args, int32x4_t (&acc)[2 * kRows]) {
    if constexpr (kRows == 8) tile8(strip, place, acc);
    if constexpr (kRows == 4) tile4(strip, place, acc);
    if constexpr (kRows == 2) tile2(strip, place, acc);
    if constexpr (kRows == 1) tile1(strip, place, acc);
    if (!kPlain && strip.skip != 0) add_out_of_line<Tails, kRows>(strip, place, args.packing.depth - strip.depth, acc);
  }
};

}  // namespace

void gemm_neondot(const GemmArgs& args) { gemm_with<Dot>(args); }

}  // namespace qtool::kernels
