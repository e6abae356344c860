// Assembly, so that the count of instructions is the compiler's concern nowhere: columns of codes change places in a turn of three.
#include "kernels/products/depthwise_walk_neon.h"

namespace qtool::kernels {
namespace {

// clang-format off
template <WalkForm kForm, bool kFlip, bool kBounded>
__attribute__((noinline)) void walk(const WalkRoute& route, const WalkBlock& block) {
  asm volatile(R"(
    .set qt_form, %c[form]
    .set qt_flipped, %c[flip]
    .set qt_bounded, %c[bounded]

    .macro qt_one lo, hi, a, w
      smull v\lo\().8h, v\a\().8b, v\w\().8b
      smull2 v\hi\().8h, v\a\().16b, v\w\().16b
    .endm
    .macro qt_two lo, hi, a, w, b, v
      qt_one \lo, \hi, \a, \w
      smlal v\lo\().8h, v\b\().8b, v\v\().8b
      smlal2 v\hi\().8h, v\b\().16b, v\v\().16b
    .endm
    .macro qt_begin c0, c1, c2, c3
      saddl v\c0\().4s, v18.4h, v24.4h
      saddl2 v\c1\().4s, v18.8h, v24.8h
      saddl v\c2\().4s, v19.4h, v25.4h
      saddl2 v\c3\().4s, v19.8h, v25.8h
    .endm
    .macro qt_add c0, c1, c2, c3
      saddw v\c0\().4s, v\c0\().4s, v18.4h
      saddw2 v\c1\().4s, v\c1\().4s, v18.8h
      saddw v\c2\().4s, v\c2\().4s, v19.4h
      saddw2 v\c3\().4s, v\c3\().4s, v19.8h
    .endm
    .macro qt_floats c0, c1, c2, c3
      scvtf v\c0\().4s, v\c0\().4s
      scvtf v\c1\().4s, v\c1\().4s
      scvtf v\c2\().4s, v\c2\().4s
      scvtf v\c3\().4s, v\c3\().4s
    .endm
    .macro qt_codes d, s0, s1, s2, s3, m, z, out
      fadd v\s0\().4s, v\s0\().4s, v\m\().4s
      fadd v\s1\().4s, v\s1\().4s, v\m\().4s
      fadd v\s2\().4s, v\s2\().4s, v\m\().4s
      fadd v\s3\().4s, v\s3\().4s, v\m\().4s
      uzp1 v\s0\().8h, v\s0\().8h, v\s1\().8h
      uzp1 v\s2\().8h, v\s2\().8h, v\s3\().8h
      sqadd v\s0\().8h, v\s0\().8h, v\z\().8h
      sqadd v\s2\().8h, v\s2\().8h, v\z\().8h
      sqxtn v\d\().8b, v\s0\().8h
      sqxtn2 v\d\().16b, v\s2\().8h
      .if qt_bounded
        smax v\d\().16b, v\d\().16b, v24.16b
        smin v\d\().16b, v\d\().16b, v25.16b
        eor v\d\().16b, v\d\().16b, v26.16b
      .endif
      st1 {v\d\().16b}, [\out], x11
    .endm

    // Two windows of columns a, b, c, by rows, whose sums are v20 .. v23 and v26, v27, v24, v25. s: four registers in a row that may
    // be lost, m and z two more (kept: they hold magic and zero point already); with v18 .. v31 these are lost.
    .macro qt_pair a0,b0,c0,a1,b1,c1,a2,b2,c2, d0,e0,f0,d1,e1,f1,d2,e2,f2, s0,s1,s2,s3, m, z, first, second, kept=0
      ld1 {v28.16b-v31.16b}, [x14]
      qt_two 18, 19, \a0, 28, \b0, 29
      qt_two 24, 25, \c0, 30, \a1, 31
      qt_begin 20, 21, 22, 23
      qt_two 18, 19, \d0, 28, \e0, 29
      qt_two 24, 25, \f0, 30, \d1, 31
      qt_begin 26, 27, 24, 25
      ld1 {v28.16b-v31.16b}, [x15]
      qt_two 18, 19, \b1, 28, \c1, 29
      qt_add 20, 21, 22, 23
      qt_two 18, 19, \e1, 28, \f1, 29
      qt_add 26, 27, 24, 25
      qt_two 18, 19, \a2, 30, \b2, 31
      qt_add 20, 21, 22, 23
      qt_two 18, 19, \d2, 30, \e2, 31
      qt_add 26, 27, 24, 25
      ldr q28, [x15, #64]
      qt_one 18, 19, \c2, 28
      qt_add 20, 21, 22, 23
      qt_one 18, 19, \f2, 28
      qt_add 26, 27, 24, 25
      qt_floats 20, 21, 22, 23
      qt_floats 26, 27, 24, 25
      ld1 {v28.4s-v31.4s}, [x16]
      ld1 {v\s0\().4s-v\s3\().4s}, [x17]
      fmla v\s0\().4s, v20.4s, v28.4s
      fmla v\s1\().4s, v21.4s, v29.4s
      fmla v\s2\().4s, v22.4s, v30.4s
      fmla v\s3\().4s, v23.4s, v31.4s
      ld1 {v20.4s-v23.4s}, [x17]
      fmla v20.4s, v26.4s, v28.4s
      fmla v21.4s, v27.4s, v29.4s
      fmla v22.4s, v24.4s, v30.4s
      fmla v23.4s, v25.4s, v31.4s
      .if \kept == 0
        ldp q\m, q\z, [x14, #272]
      .endif
      .if qt_bounded
        ldp q24, q25, [x14, #304]
        ldr q26, [x14, #336]
      .endif
      qt_codes \s0, \s0, \s1, \s2, \s3, \m, \z, \first
      qt_codes 20, 20, 21, 22, 23, \m, \z, \second
    .endm

    .macro qt_top_bit
      .if qt_flipped
        movi v31.16b, #0x80
      .endif
    .endm
    .macro qt_flip c
      .if qt_flipped
        eor v\c\().16b, v\c\().16b, v31.16b
      .endif
    .endm
    .macro qt_load c, from
      ld1 {v\c\().16b}, [\from], x10
      qt_flip \c
    .endm

    // One column of outputs; the columns a b c of codes, by rows, of which the last is loaded (of two_by_twos the last two).
    .macro qt_four a0,a1,a2,a3,a4,a5, b0,b1,b2,b3,b4,b5, c0,c1,c2,c3,c4,c5, s0,s1,s2,s3, m, z, kept=0
      qt_top_bit
      qt_load \c0, x0
      qt_load \c1, x1
      qt_load \c2, x2
      qt_load \c3, x3
      qt_pair \a0,\b0,\c0,\a1,\b1,\c1,\a2,\b2,\c2, \a1,\b1,\c1,\a2,\b2,\c2,\a3,\b3,\c3, \s0,\s1,\s2,\s3, \m, \z, x6, x7
      qt_top_bit
      qt_load \c4, x4
      qt_load \c5, x5
      qt_pair \a2,\b2,\c2,\a3,\b3,\c3,\a4,\b4,\c4, \a3,\b3,\c3,\a4,\b4,\c4,\a5,\b5,\c5, \a2,\a3,\a4,\a5, \m, \z, x8, x9, \kept
    .endm
    .macro qt_rows2 a0,a1,a2,a3, b0,b1,b2,b3, c0,c1,c2,c3
      qt_top_bit
      qt_load \c0, x0
      qt_load \c1, x1
      qt_load \c2, x2
      qt_load \c3, x3
      qt_pair \a0,\b0,\c0,\a1,\b1,\c1,\a2,\b2,\c2, \a1,\b1,\c1,\a2,\b2,\c2,\a3,\b3,\c3, 12,13,14,15, 16, 17, x6, x7
    .endm
    .macro qt_twos a0,a1,a2,a3,a4, b0,b1,b2,b3,b4, c0,c1,c2,c3,c4
      qt_top_bit
      qt_load \b0, x0
      qt_load \c0, x0
      qt_load \b1, x1
      qt_load \c1, x1
      qt_load \b2, x2
      qt_load \c2, x2
      qt_load \b3, x3
      qt_load \c3, x3
      qt_load \b4, x4
      qt_load \c4, x4
      qt_pair \a0,\b0,\c0,\a1,\b1,\c1,\a2,\b2,\c2, \a2,\b2,\c2,\a3,\b3,\c3,\a4,\b4,\c4, 15,16,17,18, 19, \a0, x6, x7
    .endm
    .macro qt_begun registers:vararg
      .irp c, \registers
        ldr q\c, [x13], #16
        qt_flip \c
      .endr
    .endm

      ldp x0, x1, [%[route]]
      ldp x2, x3, [%[route], #16]
      ldp x4, x5, [%[route], #32]
      ldp x6, x7, [%[route], #48]
      ldp x8, x9, [%[route], #64]
      ldp x10, x11, [%[route], #80]
      ldp x12, x17, [%[route], #96]
      ldr x13, [%[route], #112]
      mov x14, %[block]
      add x15, x14, #64
      add x16, x14, #144
      cmp x17, #1
      add x17, x14, #208
      qt_top_bit
    // Three columns a turn, as the registers of their codes change places. An incomplete turn comes first, entered at its second or third.
    .if qt_form == 0
      b.eq 2f
      b.hi 1f
      qt_begun 0,1,2,3,4,5,6,7,8,9,10,11
      b 3f
    1:
      qt_begun 6,7,8,9,10,11,12,13,14,15,16,17
      b 4f
    2:
      qt_begun 12,13,14,15,16,17,0,1,2,3,4,5
      b 5f
    3:
      qt_four 0,1,2,3,4,5, 6,7,8,9,10,11, 12,13,14,15,16,17, 16,17,18,19, 0, 1, 1
    4:
      qt_four 6,7,8,9,10,11, 12,13,14,15,16,17, 0,1,2,3,4,5, 4,5,6,7, 18, 19
    5:
      subs x12, x12, #1
      b.eq 7f
    6:
      qt_four 12,13,14,15,16,17, 0,1,2,3,4,5, 6,7,8,9,10,11, 10,11,12,13, 18, 19
    .elseif qt_form == 1
      b.eq 2f
      b.hi 1f
      qt_begun 0,1,2,3,4,5,6,7
      b 3f
    1:
      qt_begun 4,5,6,7,8,9,10,11
      b 4f
    2:
      qt_begun 8,9,10,11,0,1,2,3
      b 5f
    3:
      qt_rows2 0,1,2,3, 4,5,6,7, 8,9,10,11
    4:
      qt_rows2 4,5,6,7, 8,9,10,11, 0,1,2,3
    5:
      subs x12, x12, #1
      b.eq 7f
    6:
      qt_rows2 8,9,10,11, 0,1,2,3, 4,5,6,7
    .else
      b.eq 2f
      b.hi 1f
      qt_begun 0,1,2,3,4
      b 3f
    1:
      qt_begun 10,11,12,13,14
      b 4f
    2:
      qt_begun 5,6,7,8,9
      b 5f
    3:
      qt_twos 0,1,2,3,4, 5,6,7,8,9, 10,11,12,13,14
    4:
      qt_twos 10,11,12,13,14, 0,1,2,3,4, 5,6,7,8,9
    5:
      subs x12, x12, #1
      b.eq 7f
    6:
      qt_twos 5,6,7,8,9, 10,11,12,13,14, 0,1,2,3,4
    .endif
      b.ne 3b
      b 8f
    7:
      ldr x13, [%[route], #120]
      cbz x13, 6b
      mov x0, x13
      mov x1, x13
      mov x2, x13
      mov x3, x13
      mov x4, x13
      mov x5, x13
      mov x10, #0
      b 6b
    8:
    .purgem qt_one
    .purgem qt_two
    .purgem qt_begin
    .purgem qt_add
    .purgem qt_floats
    .purgem qt_codes
    .purgem qt_pair
    .purgem qt_load
    .purgem qt_top_bit
    .purgem qt_flip
    .purgem qt_four
    .purgem qt_rows2
    .purgem qt_twos
    .purgem qt_begun
  )" : : [route] "r"(&route), [block] "r"(&block), [form] "i"(kForm), [flip] "i"(kFlip), [bounded] "i"(kBounded)
     : "memory", "cc", "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17",
       "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31");
}
// clang-format on

template <WalkForm kForm>
Walk* walk_of(bool flipped, bool bounded) {
  if (flipped) return bounded ? walk<kForm, true, true> : walk<kForm, true, false>;
  return bounded ? walk<kForm, false, true> : walk<kForm, false, false>;
}

}  // namespace

Walk* walk_of(WalkForm form, bool flipped, bool bounded) {
  switch (form) {
    case WalkForm::four:
      return walk_of<WalkForm::four>(flipped, bounded);
    case WalkForm::two:
      return walk_of<WalkForm::two>(flipped, bounded);
    default:
      return walk_of<WalkForm::two_by_twos>(flipped, bounded);
  }
}

}  // namespace qtool::kernels
