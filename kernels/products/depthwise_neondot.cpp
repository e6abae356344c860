// Four rows of 16 channels interleaved to [channel][row] are four registers of four channels, which sdot multiplies with those of the
// weights.
#include "kernels/products/depthwise_neon.inl"
#include "kernels/products/depthwise_walker_neon.h"

namespace qtool::kernels {
namespace {

// Four pixels of two output rows, four channels: v0 .. v3 and v4 .. v7 sum up the rows; v16 .. v19 are columns of codes.
#define COLUMN(v, offset) "ldr q" #v ", [%[from], #" #offset "]\n"
#define DOT(sum, w, codes) "sdot v" #sum ".4s, v" #w ".16b, v" #codes ".16b\n"
#define TAP(c0, c1, c2, c3)                                                                                                     \
  "ldp q20, q21, [%[quarter]], #32\n" DOT(0, 20, c0) DOT(4, 21, c0) DOT(1, 20, c1) DOT(5, 21, c1) DOT(2, 20, c2) DOT(6, 21, c2) \
      DOT(3, 20, c3) DOT(7, 21, c3)
#define ROUND(sum, shifted) \
  "scvtf v" #sum ".4s, v" #sum ".4s\n fmla v" #shifted ".4s, v" #sum ".4s, v20.4s\n fcvtns v" #sum ".4s, v" #shifted ".4s\n"
#define ROUND_ROW(a, b, c, d) ROUND(a, 16) ROUND(b, 17) ROUND(c, 18) ROUND(d, 19)
#define NARROW(op, lanes, i) op " %[s" #i "]." lanes ", v" #i ".4s\n"
#define NARROW_ALL(op, lanes) \
  NARROW(op, lanes, 0)        \
  NARROW(op, lanes, 1)        \
  NARROW(op, lanes, 2) NARROW(op, lanes, 3) NARROW(op, lanes, 4) NARROW(op, lanes, 5) NARROW(op, lanes, 6) NARROW(op, lanes, 7)
// clang-format off
#define QUARTER_STEPS                                                                                        \
  "ld1 {v0.4s-v3.4s}, [%[quarter]]\n ld1 {v4.4s-v7.4s}, [%[quarter]], #64\n"                                 \
  COLUMN(16, 0) COLUMN(17, 64) COLUMN(18, 128) COLUMN(19, 192) TAP(16, 17, 18, 19)                           \
  COLUMN(16, 256) TAP(17, 18, 19, 16) COLUMN(17, 320) TAP(18, 19, 16, 17)                                    \
  "ldr q20, [%[quarter]], #16\n ld1 {v16.4s-v19.4s}, [%[quarter]]\n" ROUND_ROW(0, 1, 2, 3)                   \
  "ld1 {v16.4s-v19.4s}, [%[quarter]], #64\n" ROUND_ROW(4, 5, 6, 7)
// clang-format on
#define STEPS(mode)                                                                                                       \
  [s0] mode(steps[0][0]), [s1] mode(steps[0][1]), [s2] mode(steps[0][2]), [s3] mode(steps[0][3]), [s4] mode(steps[1][0]), \
      [s5] mode(steps[1][1]), [s6] mode(steps[1][2]), [s7] mode(steps[1][3]), [quarter] "+r"(quarter)
#define SOURCES [from] "r"(from), "m"(*quarter), "m"(*reinterpret_cast<const int8_t(*)[5 * kColumnBytes + 16]>(from))
#define CHANGED "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19", "v20", "v21"

/// What four of 16 channels are multiplied by and added to.
struct Quarter {
  int32x4_t zeros[4];
  int8x16_t weights[3][2];  ///< of a column and an output row
  float32x4_t scale, shift[4];
};

/// The steps, before the zero point, of four pixels of two rows of 3 x 3 taps: four channels to the low half of `steps`, which begin 16
/// bytes a quarter into the columns; `quarter` moves on.
QTOOL_INLINE void low_steps(const int8_t* from, const Quarter*& quarter, int16x8_t (&steps)[2][4]) {
  asm(QUARTER_STEPS NARROW_ALL("sqxtn", "4h") : STEPS("=w") : SOURCES : CHANGED);
}
/// And four more to the high half.
QTOOL_INLINE void high_steps(const int8_t* from, const Quarter*& quarter, int16x8_t (&steps)[2][4]) {
  asm(QUARTER_STEPS NARROW_ALL("sqxtn2", "8h") : STEPS("+w") : SOURCES : CHANGED);
}

/// kWidth and kStride 0: whatever the arguments say.
template <size_t kGroups, size_t kRows, size_t kWidth, size_t kStride>
struct DotCore {
  static constexpr size_t kMostPixels = 4;
  static constexpr bool kUsual = kGroups == 1 && kRows == 2 && kWidth == 3 && kStride == 1;

  DotCore(const DepthwiseArgs& args, size_t channel, const int8_t* w)
      : weights(w), kw(kWidth ? kWidth : args.kw), stride(kStride ? kStride : args.stride), dilation(kWidth ? 1 : args.dilation) {
    if constexpr (kUsual)
      for (size_t q = 0; q < 4; ++q) lay_out(quarters[q], q, args.scale + channel, args.shift + channel);
  }

  QTOOL_INLINE void lay_out(Quarter& to, size_t q, const float* scale, const float* shift) const {
    to.scale = vld1q_f32(scale + 4 * q);
    for (auto& copy : to.shift) copy = vld1q_f32(shift + 4 * q);
    for (auto& zero : to.zeros) zero = vdupq_n_s32(0);
    for (size_t t = 0; t < 2; ++t)
      for (size_t kx = 0; kx < 3; ++kx) to.weights[kx][t] = weight(t, kx, 0, q);
  }

  /// Every second column of four rows, of which three count, is too much waste.
  template <class Alone>
  static bool walk(const DepthwiseArgs& args, size_t channel, const int8_t* weights, const Alone& alone) {
    if constexpr (kGroups == 1 && kWidth == 3 && kStride == 2) return walk_if_suited(args, channel, weights, alone);
    return false;
  }
  template <class Use>
  QTOOL_INLINE void by_way(bool full, const Use& use) const {
    kWidth != 0 && full ? use(Way<kWidth != 0>{*this}) : use(Way<false>{*this});
  }

  QTOOL_INLINE void arrange(const int8x16_t (&rows)[4], int8_t* to) const {
    const auto wide = [](int8x16_t x) { return vreinterpretq_s16_s8(x); };
    const int16x8_t a = wide(vzip1q_s8(rows[0], rows[1])), b = wide(vzip1q_s8(rows[2], rows[3]));
    const int16x8_t c = wide(vzip2q_s8(rows[0], rows[1])), d = wide(vzip2q_s8(rows[2], rows[3]));
    const auto codes = [](int16x8_t x) { return vreinterpretq_s8_s16(x); };
    const int8x16x4_t four = {{codes(vzip1q_s16(a, b)), codes(vzip2q_s16(a, b)), codes(vzip1q_s16(c, d)), codes(vzip2q_s16(c, d))}};
    vst1q_s8_x4(to, four);
  }

  QTOOL_INLINE int8x16_t weight(size_t t, size_t kx, size_t g, size_t q) const {
    return vld1q_s8(weights + ((t * kw + kx) * kGroups + g) * kColumnBytes + 16 * q);
  }

  /// Sums of four channels.
  template <size_t kPixels>
  QTOOL_INLINE void quarter(const int8_t* columns, size_t q, int32x4_t (&acc)[kRows][kPixels]) const {
    for (size_t t = 0; t < kRows; ++t)
      for (size_t p = 0; p < kPixels; ++p) acc[t][p] = vdupq_n_s32(0);
#pragma GCC unroll 8
    for (size_t kx = 0; kx < kw; ++kx)
#pragma GCC unroll 2
      for (size_t g = 0; g < kGroups; ++g)
#pragma GCC unroll 4
        for (size_t p = 0; p < kPixels; ++p) {
          const int8x16_t codes = vld1q_s8(columns + ((p * stride + kx * dilation) * kGroups + g) * kColumnBytes + 16 * q);
#pragma GCC unroll 2
          for (size_t t = 0; t < kRows; ++t) acc[t][p] = vdotq_s32(acc[t][p], codes, weight(t, kx, g, q));
        }
  }

  template <size_t kPixels>
  __attribute__((noinline)) void any_quarter(const int8_t* columns, size_t q, int32x4_t (&acc)[kRows][kPixels]) const {
    quarter<kPixels>(columns, q, acc);
  }
  template <size_t kPixels>
  QTOOL_INLINE void sums(const int8_t* columns, size_t q, int32x4_t (&acc)[kRows][kPixels]) const {
    kWidth == 0 ? any_quarter<kPixels>(columns, q, acc) : quarter<kPixels>(columns, q, acc);
  }

  /// kFull: see Output.
  template <bool kFull>
  struct Way {
    template <size_t kPixels, class Output>
    QTOOL_INLINE void tile(const int8_t* columns, const Output& output, size_t x) const {
      if constexpr (kUsual && kPixels == 4) return usual(columns, output, x);
#pragma GCC unroll 2
      for (size_t h = 0; h < 2; ++h) {
        int32x4_t acc[kRows][kPixels];
        int16x4_t low[kRows][kPixels];
        int16x8_t steps[kRows][kPixels];
        core.template sums<kPixels>(columns, 2 * h, acc);
        for (size_t t = 0; t < kRows; ++t)
          for (size_t p = 0; p < kPixels; ++p) low[t][p] = vqmovn_s32(output.rounded(acc[t][p], 2 * h));
        core.template sums<kPixels>(columns, 2 * h + 1, acc);
        for (size_t t = 0; t < kRows; ++t)
          for (size_t p = 0; p < kPixels; ++p) steps[t][p] = vqmovn_high_s32(low[t][p], output.rounded(acc[t][p], 2 * h + 1));
        for (size_t t = 0; t < kRows; ++t)
          for (size_t p = 0; p < kPixels; p += 2)
            output.template store<kFull>(output.out[t] + (x + p) * output.step, h, steps[t][p], steps[t][std::min(p + 1, kPixels - 1)],
                                         kPixels > 1);
      }
    }

    template <class Output>
    QTOOL_INLINE void usual(const int8_t* columns, const Output& output, size_t x) const {
      int16x8_t low[2][4], high[2][4];
      const Quarter* quarter = core.quarters;
      low_steps(columns, quarter, low), high_steps(columns + 16, quarter, low);
      int8x8_t codes[2][4];
#pragma GCC unroll 8
      for (size_t i = 0; i < 8; ++i) codes[i / 4][i % 4] = vqmovn_s16(vqaddq_s16(low[i / 4][i % 4], output.zero_point));
      low_steps(columns + 32, quarter, high), high_steps(columns + 48, quarter, high);
#pragma GCC unroll 8
      for (size_t i = 0; i < 8; ++i) {
        const int8x16_t all = vqmovn_high_s16(codes[i / 4][i % 4], vqaddq_s16(high[i / 4][i % 4], output.zero_point));
        output.store_pixel(output.out[i / 4] + (x + i % 4) * output.step, output.template bounded<kFull>(all));
      }
    }

    const DotCore& core;
  };

  const int8_t* weights;
  size_t kw, stride, dilation;
  Quarter quarters[kUsual ? 4 : 1];
};

}  // namespace

void depthwise_neondot(const DepthwiseArgs& args) { run_any<DotCore>(args); }

}  // namespace qtool::kernels
