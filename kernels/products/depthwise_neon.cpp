// Codes times weights of two taps fit 16 bits unless both weights are -128, so taps are multiplied in pairs by smull and smlal and their
// sums added to 32 bits by saddw. A block with such a pair takes tap by tap.
#include "kernels/products/depthwise_neon.inl"

namespace qtool::kernels {
namespace {

// The 3 x 4 codes under two neighbouring pixels' windows are v0 .. v11, by columns; v16 .. v19 and v20 .. v23 sum up the pixels.
#define PRODUCT(low, high, a, w) "smull v" #low ".8h, v" #a ".8b, v" #w ".8b\n smull2 v" #high ".8h, v" #a ".16b, v" #w ".16b\n"
#define SECOND(low, high, a, w) "smlal v" #low ".8h, v" #a ".8b, v" #w ".8b\n smlal2 v" #high ".8h, v" #a ".16b, v" #w ".16b\n"
#define ADD(low, high, c0, c1, c2, c3, s0, s1, s2, s3)                                     \
  "saddw v" #c0 ".4s, v" #s0 ".4s, v" #low ".4h\n saddw2 v" #c1 ".4s, v" #s1 ".4s, v" #low \
  ".8h\n"                                                                                  \
  "saddw v" #c2 ".4s, v" #s2 ".4s, v" #high ".4h\n saddw2 v" #c3 ".4s, v" #s3 ".4s, v" #high ".8h\n"
#define ADD_SECOND ADD(26, 27, 20, 21, 22, 23, 20, 21, 22, 23)
#define ADD_FIRST ADD(24, 25, 16, 17, 18, 19, 16, 17, 18, 19)
// Weights w and v: codes a and c of the first pixel, b and d of the second.
#define TWO_TAPS(w, v, a, b, c, d, SUM) PRODUCT(24, 25, a, w) PRODUCT(26, 27, b, w) SECOND(24, 25, c, v) SECOND(26, 27, d, v) SUM ADD_FIRST
#define ALL(op, d0, d1, d2, d3, s0, s1, s2, s3) \
  op " v" #d0 ".4s, v" #s0 ".4s\n" op " v" #d1 ".4s, v" #s1 ".4s\n" op " v" #d2 ".4s, v" #s2 ".4s\n" op " v" #d3 ".4s, v" #s3 ".4s\n"
#define FMA(d, a, b) "fmla v" #d ".4s, v" #a ".4s, v" #b ".4s\n"
#define NARROW(d, s0, s1, s2, s3)                                                                                                 \
  "sqxtn v" #s0 ".4h, v" #s0 ".4s\n sqxtn v" #s2 ".4h, v" #s2 ".4s\n sqxtn2 v" #s0 ".8h, v" #s1 ".4s\n sqxtn2 v" #s2 ".8h, v" #s3 \
  ".4s\n"                                                                                                                         \
  "sqadd v" #s0 ".8h, v" #s0 ".8h, %[zero].8h\n sqadd v" #s2 ".8h, v" #s2                                                         \
  ".8h, %[zero].8h\n"                                                                                                             \
  "sqxtn v" #d ".8b, v" #s0 ".8h\n sqxtn2 v" #d ".16b, v" #s2 ".8h\n"

struct SquareTaps {
  int8_t four[2][4][16], last[16];
};

/// Two pixels of 3 x 3 taps whose windows' columns lie 64 bytes apart, up to their codes, before the bounds.
QTOOL_INLINE void two_pixels_3x3(const int8_t* from, const SquareTaps& taps, const int32x4_t* start, const float* scale, const float* shift,
                                 int16x8_t zero_point, int8x16_t (&codes)[2]) {
  register int8x16_t first asm("v0"), second asm("v4");
  asm("ld1 {v0.16b-v2.16b}, [%[from]], %[step]\n ld1 {v3.16b-v5.16b}, [%[from]], %[step]\n"
      "ld1 {v6.16b-v8.16b}, [%[from]], %[step]\n ld1 {v9.16b-v11.16b}, [%[from]]\n"
      "ld1 {v28.16b-v31.16b}, [%[taps]]\n ld1 {v16.4s-v19.4s}, [%[start]]\n"
      // clang-format off
      TWO_TAPS(28, 29, 0, 3, 3, 6, ADD(26, 27, 20, 21, 22, 23, 16, 17, 18, 19)) TWO_TAPS(30, 31, 6, 9, 1, 4, ADD_SECOND)
      "ld1 {v28.16b-v31.16b}, [%[more]]\n"
      TWO_TAPS(28, 29, 4, 7, 7, 10, ADD_SECOND) TWO_TAPS(30, 31, 2, 5, 5, 8, ADD_SECOND)
      "ldr q28, [%[more], #64]\n"
      PRODUCT(24, 25, 8, 28) PRODUCT(26, 27, 11, 28) ADD_SECOND ADD_FIRST
      "ld1 {v24.4s-v27.4s}, [%[scale]]\n ld1 {v0.4s-v3.4s}, [%[shift]]\n ld1 {v4.4s-v7.4s}, [%[shift]]\n"
      ALL("scvtf", 16, 17, 18, 19, 16, 17, 18, 19) ALL("scvtf", 20, 21, 22, 23, 20, 21, 22, 23)
      FMA(0, 16, 24) FMA(1, 17, 25) FMA(2, 18, 26) FMA(3, 19, 27) FMA(4, 20, 24) FMA(5, 21, 25) FMA(6, 22, 26) FMA(7, 23, 27)
      ALL("fcvtns", 0, 1, 2, 3, 0, 1, 2, 3) ALL("fcvtns", 4, 5, 6, 7, 4, 5, 6, 7)
      NARROW(0, 0, 1, 2, 3) NARROW(4, 4, 5, 6, 7)
      // clang-format on
      : "=&w"(first), "=&w"(second), [from] "+&r"(from)
      : [step] "r"(kColumnBytes), [taps] "r"(&taps), [more] "r"(taps.four[1]), [start] "r"(start), [scale] "r"(scale), [shift] "r"(shift),
        [zero] "w"(zero_point), "m"(*reinterpret_cast<const int8_t(*)[3 * kColumnBytes + 48]>(from)), "m"(taps),
        "m"(*reinterpret_cast<const int32x4_t(*)[4]>(start)), "m"(*reinterpret_cast<const float(*)[16]>(scale)),
        "m"(*reinterpret_cast<const float(*)[16]>(shift))
      : "v1", "v2", "v3", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25",
        "v26", "v27", "v28", "v29", "v30", "v31");
  codes[0] = first, codes[1] = second;
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

  const SquareTaps& square_taps(size_t t) const { return reinterpret_cast<const SquareTaps&>(taps[t]); }

  /// The square window of output row t, rows first[t] .. of the buffer's columns.
  template <size_t kPixels>
  QTOOL_INLINE void square(const int8_t* columns, size_t t, int32x4_t (&acc)[kPixels][4]) const {
    const int8_t* from = columns + 16 * first[t];
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
        if constexpr (kSquare && kWidth == 3 && kStride == 1 && kColumn == 64 && kPixels == 2) {
          pair(columns, t, output, output.out[t] + x * output.step);
          continue;
        }
        int32x4_t acc[kPixels][4];
        if constexpr (kSquare)
          core.template square<kPixels>(columns, t, acc);
        else
          core.template tap_by_tap<kPixels>(columns, t, acc);
        finish<kPixels>(acc, output, output.out[t] + x * output.step);
      }
    }
    template <class Output>
    QTOOL_INLINE void pair(const int8_t* columns, size_t t, const Output& output, uint8_t* to) const {
      int8x16_t codes[2];
      two_pixels_3x3(columns + 16 * core.first[t], core.square_taps(t), core.start[t], output.scale, output.shift, output.zero_point,
                     codes);
      for (size_t p = 0; p < 2; ++p) output.store_pixel(to + p * output.step, output.template bounded<kFull>(codes[p]));
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
