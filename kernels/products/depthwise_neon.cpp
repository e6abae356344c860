// Codes times weights of two taps fit 16 bits unless both weights are -128, so taps are multiplied in pairs by smull and smlal and their
// sums added to 32 bits by saddw. A block with such a pair takes tap by tap. 3 x 3 taps, the usual ones, walk along the rows.
#include "kernels/products/depthwise_neon.inl"
#include "kernels/products/depthwise_walker_neon.h"

namespace qtool::kernels {
namespace {

/// kWidth and kStride 0: whatever the arguments say.
template <size_t kGroups, size_t kRows, size_t kWidth, size_t kStride>
struct WideningCore {
  static constexpr size_t kMostPixels = 2;
  static constexpr size_t kIn = 4 * kGroups, kColumn = kGroups * kColumnBytes;
  static constexpr size_t kTaps = kWidth * kWidth;  ///< of a square window, where the width is known

  template <class Alone>
  static bool walk(const DepthwiseArgs& args, size_t channel, const int8_t* weights, const Alone& alone) {
    if constexpr (kGroups == 1 && kWidth == 3) return walk_if_suited(args, channel, weights, alone);
    return false;
  }

  WideningCore(const DepthwiseArgs& args, size_t, const int8_t* w)
      : weights(w), kw(kWidth ? kWidth : args.kw), stride(kStride ? kStride : args.stride), dilation(kWidth ? 1 : args.dilation) {
    for (size_t t = 0; t < kRows; ++t) prepare(t);
  }

  /// What is to be known of the weights of output row t: the rows they stand in, and, where these are no more than a square window has,
  /// the weights tap by tap.
  void prepare(size_t t) {
    uint8x16_t used[kIn] = {};
    int8x16_t least = vdupq_n_s8(0);
    for (size_t kx = 0; kx < kw; ++kx)
      for (size_t g = 0; g < kGroups; ++g) {
        const int8x16x4_t four = vld4q_s8(weights + ((t * kw + kx) * kGroups + g) * kColumnBytes);
        for (size_t r = 0; r < 4; ++r) {
          const int8x16_t w = four.val[r];
          used[4 * g + r] = vorrq_u8(used[4 * g + r], vreinterpretq_u8_s8(w));
          least = vminq_s8(least, w);
        }
      }
    single |= vminvq_s8(least) == -128;
    if constexpr (kWidth != 0) gather(t, used);
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
    const auto in = [&](size_t p, size_t i) { return vld1q_s8(from + (p * kStride + i % kWidth) * kColumn + 16 * (i / kWidth)); };
    const auto tap = [&](size_t i) { return vld1q_s8(taps[t][i]); };
    for (size_t p = 0; p < kPixels; ++p)
      for (size_t q = 0; q < 4; ++q) acc[p][q] = vdupq_n_s32(0);
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
      for (size_t q = 0; q < 4; ++q) acc[p][q] = vdupq_n_s32(0);
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
  alignas(16) int8_t taps[kRows][kWidth ? kTaps : 1][16];
};

}  // namespace

void depthwise_neon(const DepthwiseArgs& args) { run_any<WideningCore>(args); }

}  // namespace qtool::kernels
