// Codes times weights of two taps fit 16 bits unless both weights are -128, so taps are multiplied in pairs by smull and smlal and their
// sums added to 32 bits by saddw. A block with such a pair takes tap by tap.
#include "kernels/products/depthwise_neon.inl"

namespace qtool::kernels {
namespace {

// The 3 x 4 codes under two neighbouring pixels' windows are v0 .. v11, by columns; v16 .. v19 and v20 .. v23 sum up the pixels.
#define PRODUCT(low, high, a) "smull v" #low ".8h, v" #a ".8b, v28.8b\n smull2 v" #high ".8h, v" #a ".16b, v28.16b\n"
#define SECOND(low, high, a) "smlal v" #low ".8h, v" #a ".8b, v29.8b\n smlal2 v" #high ".8h, v" #a ".16b, v29.16b\n"
#define ADD(low, high, c0, c1, c2, c3, s0, s1, s2, s3)                                     \
  "saddw v" #c0 ".4s, v" #s0 ".4s, v" #low ".4h\n saddw2 v" #c1 ".4s, v" #s1 ".4s, v" #low \
  ".8h\n"                                                                                  \
  "saddw v" #c2 ".4s, v" #s2 ".4s, v" #high ".4h\n saddw2 v" #c3 ".4s, v" #s3 ".4s, v" #high ".8h\n"
#define ADD_SECOND ADD(26, 27, 20, 21, 22, 23, 20, 21, 22, 23)
#define ADD_FIRST ADD(24, 25, 16, 17, 18, 19, 16, 17, 18, 19)
// Taps at `offset` of the weights: codes a and c of the first pixel, b and d of the second.
#define TWO_TAPS(offset, a, b, c, d, SUM) \
  "ldp q28, q29, [%[taps], #" #offset "]\n" PRODUCT(24, 25, a) PRODUCT(26, 27, b) SECOND(24, 25, c) SECOND(26, 27, d) SUM ADD_FIRST

/// acc = start + the sums of 3 x 3 taps of two pixels, the second a column of 64 bytes on.
QTOOL_INLINE void two_pixels_3x3(const int8_t* from, const int8_t* taps, const int32x4_t* start, int32x4_t (&acc)[2][4]) {
  register int32x4_t c0 asm("v16"), c1 asm("v17"), c2 asm("v18"), c3 asm("v19"), d0 asm("v20"), d1 asm("v21"), d2 asm("v22"), d3 asm("v23");
  asm volatile(
      "ldp q0, q1, [%[from]]\n ldr q2, [%[from], #32]\n ldp q3, q4, [%[from], #64]\n ldr q5, [%[from], #96]\n"
      "ldp q6, q7, [%[from], #128]\n ldr q8, [%[from], #160]\n ldp q9, q10, [%[from], #192]\n ldr q11, [%[from], #224]\n"
      "ldp q16, q17, [%[start]]\n ldp q18, q19, [%[start], #32]\n" TWO_TAPS(0, 0, 3, 3, 6, ADD(26, 27, 20, 21, 22, 23, 16, 17, 18, 19))
          TWO_TAPS(32, 6, 9, 1, 4, ADD_SECOND) TWO_TAPS(64, 4, 7, 7, 10, ADD_SECOND)
              TWO_TAPS(96, 2, 5, 5, 8, ADD_SECOND) "ldr q28, [%[taps], #128]\n" PRODUCT(24, 25, 8) PRODUCT(26, 27, 11) ADD_SECOND ADD_FIRST
      : "=w"(c0), "=w"(c1), "=w"(c2), "=w"(c3), "=w"(d0), "=w"(d1), "=w"(d2), "=w"(d3)
      : [from] "r"(from), [taps] "r"(taps), [start] "r"(start)
      : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v24", "v25", "v26", "v27", "v28", "v29", "memory");
  acc[0][0] = c0, acc[0][1] = c1, acc[0][2] = c2, acc[0][3] = c3;
  acc[1][0] = d0, acc[1][1] = d1, acc[1][2] = d2, acc[1][3] = d3;
}

/// kWidth and kStride 0: whatever the arguments say.
template <size_t kGroups, size_t kRows, size_t kWidth, size_t kStride>
struct WideningCore {
  static constexpr size_t kMostPixels = 2;
  static constexpr size_t kIn = 4 * kGroups, kColumn = kGroups * kColumnBytes;
  static constexpr size_t kTaps = kWidth * kWidth;  ///< of a square window, where the width is known

  WideningCore(const DepthwiseArgs& args, size_t channel, const int8_t* w)
      : weights(w), kw(kWidth ? kWidth : args.kw), stride(kStride ? kStride : args.stride), dilation(kWidth ? 1 : args.dilation) {
    for (size_t t = 0; t < kRows; ++t) {
      for (auto& sum : sum128) sum = vdupq_n_s32(0);
      prepare(t);
      for (size_t q = 0; q < 4; ++q) start[t][q] = vaddq_s32(vld1q_s32(args.start + channel + 4 * q), sum128[q]);
    }
  }

  /// What is to be known of the weights of output row t: 128 times their sums, as codes are 128 lower here; the rows they stand in; and,
  /// where these are no more than a square window has, the weights tap by tap.
  void prepare(size_t t) {
    uint8x16_t used[kIn] = {};
    int16x8_t sums[2] = {};
    int8x16_t least = vdupq_n_s8(0);
    for (size_t kx = 0; kx < kw; ++kx)
      for (size_t g = 0; g < kGroups; ++g) {
        const int8x16x4_t four = vld4q_s8(weights + ((t * kw + kx) * kGroups + g) * kColumnBytes);
        for (size_t r = 0; r < 4; ++r) {
          const int8x16_t w = four.val[r];
          sums[0] = vaddw_s8(sums[0], vget_low_s8(w)), sums[1] = vaddw_high_s8(sums[1], w);
          used[4 * g + r] = vorrq_u8(used[4 * g + r], vreinterpretq_u8_s8(w));
          least = vminq_s8(least, w);
        }
        if (kWidth == 0) flush(sums);
      }
    flush(sums);
    single |= vminvq_s8(least) == -128;
    if constexpr (kWidth != 0) gather(t, used);
  }

  /// Moves 16-bit sums on to 32 bits, times 128.
  QTOOL_INLINE void flush(int16x8_t (&sums)[2]) {
    for (size_t h = 0; h < 2; ++h) {
      sum128[2 * h] = vaddq_s32(sum128[2 * h], vshll_n_s16(vget_low_s16(sums[h]), 7));
      sum128[2 * h + 1] = vaddq_s32(sum128[2 * h + 1], vshll_high_n_s16(sums[h], 7));
      sums[h] = vdupq_n_s16(0);
    }
  }

  void gather(size_t t, const uint8x16_t* used) {
    size_t from = 0, to = kIn;
    while (from < kIn - kWidth && vmaxvq_u8(used[from]) == 0) ++from;
    while (to > from + kWidth && vmaxvq_u8(used[to - 1]) == 0) --to;
    any |= to - from > kWidth;
    first[t] = from;
    for (size_t kx = 0; kx < kWidth; ++kx) {
      int8x16_t rows[kIn];
      for (size_t g = 0; g < kGroups; ++g) {
        const int8x16x4_t four = vld4q_s8(weights + ((t * kWidth + kx) * kGroups + g) * kColumnBytes);
        for (size_t r = 0; r < 4; ++r) rows[4 * g + r] = four.val[r];
      }
      for (size_t r = 0; r < kWidth; ++r) vst1q_s8(taps[t][r * kWidth + kx], rows[from + r]);
    }
  }

  QTOOL_INLINE void arrange(const int8x16_t (&rows)[4], int8_t* to) const {
    const int8x16x4_t four = {{rows[0], rows[1], rows[2], rows[3]}};
    vst1q_s8_x4(to, four);
  }

  /// acc + the 16-bit sums of 16 channels.
  static QTOOL_INLINE void widen(int32x4_t (&acc)[4], int16x8_t low, int16x8_t high) {
    acc[0] = vaddw_s16(acc[0], vget_low_s16(low)), acc[1] = vaddw_high_s16(acc[1], low);
    acc[2] = vaddw_s16(acc[2], vget_low_s16(high)), acc[3] = vaddw_high_s16(acc[3], high);
  }
  static QTOOL_INLINE void one(int32x4_t (&acc)[4], int8x16_t a, int8x16_t w) {
    widen(acc, vmull_s8(vget_low_s8(a), vget_low_s8(w)), vmull_high_s8(a, w));
  }
  static QTOOL_INLINE void two(int32x4_t (&acc)[4], int8x16_t a, int8x16_t w, int8x16_t b, int8x16_t v) {
    widen(acc, vmlal_s8(vmull_s8(vget_low_s8(a), vget_low_s8(w)), vget_low_s8(b), vget_low_s8(v)),
          vmlal_high_s8(vmull_high_s8(a, w), b, v));
  }

  /// The square window of output row t, rows first[t] .. of the buffer's columns.
  template <size_t kPixels>
  QTOOL_INLINE void square(const int8_t* columns, size_t t, int32x4_t (&acc)[kPixels][4]) const {
    const int8_t* from = columns + 16 * first[t];
    if constexpr (kWidth == 3 && kStride == 1 && kColumn == 64 && kPixels == 2) return two_pixels_3x3(from, taps[t][0], start[t], acc);
    const auto in = [&](size_t p, size_t i) { return vld1q_s8(from + (p * kStride + i % kWidth) * kColumn + 16 * (i / kWidth)); };
    const auto tap = [&](size_t i) { return vld1q_s8(taps[t][i]); };
    for (size_t p = 0; p < kPixels; ++p)
      for (size_t q = 0; q < 4; ++q) acc[p][q] = start[t][q];
    asm volatile("" ::: "memory");  // weights are loaded anew for every tile, whole: kept, they would be spilled in halves
#pragma GCC unroll 16
    for (size_t i = 0; i + 1 < kTaps; i += 2)
#pragma GCC unroll 4
      for (size_t p = 0; p < kPixels; ++p) two(acc[p], in(p, i), tap(i), in(p, i + 1), tap(i + 1));
#pragma GCC unroll 4
    for (size_t p = 0; p < kPixels; ++p) one(acc[p], in(p, kTaps - 1), tap(kTaps - 1));
  }

  /// Any window, tap by tap.
  template <size_t kPixels>
  __attribute__((noinline)) void tap_by_tap(const int8_t* columns, size_t t, int32x4_t (&acc)[kPixels][4]) const {
    for (size_t p = 0; p < kPixels; ++p)
      for (size_t q = 0; q < 4; ++q) acc[p][q] = start[t][q];
    for (size_t kx = 0; kx < kw; ++kx)
      for (size_t g = 0; g < kGroups; ++g) {
        const int8x16x4_t four = vld4q_s8(weights + ((t * kw + kx) * kGroups + g) * kColumnBytes);
        for (size_t p = 0; p < kPixels; ++p) {
          const int8_t* from = columns + (p * stride + kx * dilation) * kColumn + g * kColumnBytes;
          if (single)
            for (size_t r = 0; r < 4; ++r) one(acc[p], vld1q_s8(from + 16 * r), four.val[r]);
          else
            for (size_t r = 0; r < 4; r += 2)
              two(acc[p], vld1q_s8(from + 16 * r), four.val[r], vld1q_s8(from + 16 * r + 16), four.val[r + 1]);
        }
      }
  }

  /// kSquare: all weights are in the square window, and none is -128. kFull: see Output.
  template <bool kSquare, bool kFull>
  struct Way {
    template <size_t kPixels, class Output>
    QTOOL_INLINE void tile(const int8_t* columns, const Output& output, size_t x) const {
#pragma GCC unroll 2
      for (size_t t = 0; t < kRows; ++t) {
        int32x4_t acc[kPixels][4];
        if constexpr (kSquare)
          core.template square<kPixels>(columns, t, acc);
        else
          core.template tap_by_tap<kPixels>(columns, t, acc);
        finish<kPixels>(acc, output, output.out[t] + x * output.step);
      }
    }
    template <size_t kPixels, class Output>
    static QTOOL_INLINE void finish(const int32x4_t (&acc)[kPixels][4], const Output& output, uint8_t* to) {
      uint8x16_t codes[kPixels];
      for (size_t p = 0; p < kPixels; ++p) codes[p] = output.template pixel<kFull>(acc[p]);
      for (size_t p = 0; p < kPixels; ++p) output.store_pixel(to + p * output.step, codes[p]);
    }

    const WideningCore& core;
  };

  template <class Use>
  QTOOL_INLINE void by_way(bool full, const Use& use) const {
    if constexpr (kWidth != 0)
      if (!any && !single) return full ? use(Way<true, true>{*this}) : use(Way<true, false>{*this});
    use(Way<false, false>{*this});
  }

  const int8_t* weights;
  size_t kw, stride, dilation, first[kRows] = {};
  bool single = false, any = false;
  int32x4_t sum128[4], start[kRows][4];
  alignas(16) int8_t taps[kRows][kWidth ? kTaps : 1][16];
};

}  // namespace

void depthwise_neon(const DepthwiseArgs& args) { run_any<WideningCore>(args); }

}  // namespace qtool::kernels
