#pragma once
// The baseline's short way: pairs of rows that lie `stride` bytes apart, one tap, a depth in whole units of 16, eight columns, codes.
#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

namespace qtool::kernels {
namespace {

/// What a panel's sums become, as the assembly finds it. Rounding adds `magic`, 1.5 * 2^23, whose last bit is worth 1: steps are then the
/// lower halves of floats, |step| < 2^15.
struct PairsEnding {
  int32_t start[8];
  float scale[8], shift[8], magic[4];
  int16_t zero_point[8];
  int8_t lo[16], hi[16];
  uint8_t flip[16];
};

/// Where the pairs lie: `pairs` of them, 1 or more.
struct PairsRoute {
  const int8_t *a, *b;
  uint8_t* out;
  size_t stride, out_stride, pairs, depth;
};

// clang-format off
/// kThirtyTwo: the depth is 32. kBounded: codes are bounded by lo and hi, and flipped.
template <bool kThirtyTwo, bool kBounded>
__attribute__((noinline)) void multiply_pairs(const PairsRoute& route, const PairsEnding& ending) {
  asm volatile(R"(
    .set qt_thirty_two, %c[thirty_two]
    .set qt_bounded, %c[bounded]

    // Sixteen codes of two rows times four columns, v4 .. v7; a row's products of two codes fit 16 bits. op: saddlp or sadalp
    .macro qt_four op, r, s, c0, c1, c2, c3, d0, d1, d2, d3
      smull v8.8h, v4.8b, v\r\().8b
      smull v9.8h, v5.8b, v\r\().8b
      smull v10.8h, v6.8b, v\r\().8b
      smull v11.8h, v7.8b, v\r\().8b
      smull v12.8h, v4.8b, v\s\().8b
      smull v13.8h, v5.8b, v\s\().8b
      smull v14.8h, v6.8b, v\s\().8b
      smull v15.8h, v7.8b, v\s\().8b
      smlal2 v8.8h, v4.16b, v\r\().16b
      smlal2 v9.8h, v5.16b, v\r\().16b
      smlal2 v10.8h, v6.16b, v\r\().16b
      smlal2 v11.8h, v7.16b, v\r\().16b
      smlal2 v12.8h, v4.16b, v\s\().16b
      smlal2 v13.8h, v5.16b, v\s\().16b
      smlal2 v14.8h, v6.16b, v\s\().16b
      smlal2 v15.8h, v7.16b, v\s\().16b
      \op v\c0\().4s, v8.8h
      \op v\c1\().4s, v9.8h
      \op v\c2\().4s, v10.8h
      \op v\c3\().4s, v11.8h
      \op v\d0\().4s, v12.8h
      \op v\d1\().4s, v13.8h
      \op v\d2\().4s, v14.8h
      \op v\d3\().4s, v15.8h
    .endm
    .macro qt_eight op, r, s, b, next
      ld1 {v4.16b-v7.16b}, \b
      qt_four \op, \r, \s, 16, 17, 18, 19, 24, 25, 26, 27
      ld1 {v4.16b-v7.16b}, \next
      qt_four \op, \r, \s, 20, 21, 22, 23, 28, 29, 30, 31
    .endm
    .macro qt_turn op
      ldp q0, q1, [x0], #32
      ldp q2, q3, [x1], #32
      qt_eight \op, 0, 2, "[x9], #64", "[x9], #64"
      qt_eight sadalp, 1, 3, "[x9], #64", "[x9], #64"
    .endm
    .macro qt_half_turn op
      ldr q0, [x0], #16
      ldr q2, [x1], #16
      qt_eight \op, 0, 2, "[x9], #64", "[x9], #64"
    .endm
    .macro qt_sums c0, c1, c2, c3
      addp v\c0\().4s, v\c0\().4s, v\c1\().4s
      addp v\c2\().4s, v\c2\().4s, v\c3\().4s
      addp v\c0\().4s, v\c0\().4s, v\c2\().4s
    .endm
    .macro qt_steps sum, start, scale, shift
      add v\sum\().4s, v\sum\().4s, v\start\().4s
      scvtf v\sum\().4s, v\sum\().4s
      fmla v\shift\().4s, v\sum\().4s, v\scale\().4s
      fadd v\shift\().4s, v\shift\().4s, v8.4s
    .endm

      ldp x0, x7, [%[route]]
      ldp x2, x4, [%[route], #16]
      ldp x3, x6, [%[route], #32]
      ldr x14, [%[route], #48]
      mov x5, %[ending]
      add x1, x0, x4
      lsl x4, x4, #1
    .if qt_thirty_two
      add x9, x7, #64
      add x10, x7, #128
      add x11, x7, #192
    1:
      ld1 {v0.16b-v1.16b}, [x0], x4
      ld1 {v2.16b-v3.16b}, [x1], x4
      qt_eight saddlp, 0, 2, [x7], [x9]
      qt_eight sadalp, 1, 3, [x10], [x11]
    .else
      sub x4, x4, x14
      lsr x11, x14, #5
    1:
      mov x9, x7
      cbz x11, 3f
      qt_turn saddlp
      subs x10, x11, #1
      b.eq 4f
    2:
      subs x10, x10, #1
      qt_turn sadalp
      b.ne 2b
    4:
      tbz x14, #4, 5f
      qt_half_turn sadalp
      b 5f
    3:
      qt_half_turn saddlp
    5:
      add x0, x0, x4
      add x1, x1, x4
    .endif
      subs x6, x6, #1
      qt_sums 16, 17, 18, 19
      qt_sums 20, 21, 22, 23
      qt_sums 24, 25, 26, 27
      qt_sums 28, 29, 30, 31
      ldp q0, q1, [x5]
      ldp q2, q3, [x5, #32]
      ldp q4, q5, [x5, #64]
      ldp q6, q7, [x5, #64]
      ldp q8, q9, [x5, #96]
      qt_steps 16, 0, 2, 4
      qt_steps 20, 1, 3, 5
      qt_steps 24, 0, 2, 6
      qt_steps 28, 1, 3, 7
      uzp1 v4.8h, v4.8h, v5.8h
      uzp1 v6.8h, v6.8h, v7.8h
      sqadd v4.8h, v4.8h, v9.8h
      sqadd v6.8h, v6.8h, v9.8h
      sqxtn v4.8b, v4.8h
      sqxtn2 v4.16b, v6.8h
    .if qt_bounded
      ldp q0, q1, [x5, #128]
      ldr q2, [x5, #160]
      smax v4.16b, v4.16b, v0.16b
      smin v4.16b, v4.16b, v1.16b
      eor v4.16b, v4.16b, v2.16b
    .endif
      st1 {v4.d}[0], [x2], x3
      st1 {v4.d}[1], [x2], x3
      b.ne 1b

    .purgem qt_four
    .purgem qt_eight
    .purgem qt_turn
    .purgem qt_half_turn
    .purgem qt_sums
    .purgem qt_steps
  )" : : [route] "r"(&route), [ending] "r"(&ending), [thirty_two] "i"(kThirtyTwo), [bounded] "i"(kBounded)
     : "memory", "cc", "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x9", "x10", "x11", "x14",
       "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19",
       "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31");
}
// clang-format on

}  // namespace
}  // namespace qtool::kernels
