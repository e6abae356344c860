#pragma once
// Rows of a tile as lists, for writing assembly by rows: X(row, register of columns 0-3, register of columns 4-7). Rows' pointers are
// x0 .. x7, their codes v0 .. v7.

#define QTOOL_ROWS1(X) X(0, 16, 17)
#define QTOOL_ROWS2(X) QTOOL_ROWS1(X) X(1, 18, 19)
#define QTOOL_ROWS4(X) QTOOL_ROWS2(X) X(2, 20, 21) X(3, 22, 23)
#define QTOOL_ROWS8(X) QTOOL_ROWS4(X) X(4, 24, 25) X(5, 26, 27) X(6, 28, 29) X(7, 30, 31)

/// x0 .. = the rows of the next tap: a plus what `offsets` points to, which then moves on by x12.
#define QTOOL_POINTERS1 "ldr x0, [%[offsets]]\n add %[offsets], %[offsets], x12\n add x0, x0, %[a]\n"
#define QTOOL_POINTERS2 "ldp x0, x1, [%[offsets]]\n add %[offsets], %[offsets], x12\n add x0, x0, %[a]\n add x1, x1, %[a]\n"
#define QTOOL_POINTERS4 "ldp x2, x3, [%[offsets], #16]\n add x2, x2, %[a]\n add x3, x3, %[a]\n" QTOOL_POINTERS2
#define QTOOL_POINTERS8                                                                                                      \
  "ldp x4, x5, [%[offsets], #32]\n ldp x6, x7, [%[offsets], #48]\n add x4, x4, %[a]\n add x5, x5, %[a]\n add x6, x6, %[a]\n" \
  "add x7, x7, %[a]\n" QTOOL_POINTERS4

#define QTOOL_DECLARE(r, c, d) register int32x4_t low##r asm("v" #c), high##r asm("v" #d);
#define QTOOL_OUTPUT(r, c, d) , "=w"(low##r), "=w"(high##r)
#define QTOOL_KEEP(r, c, d) acc[2 * r] = low##r, acc[2 * r + 1] = high##r;
