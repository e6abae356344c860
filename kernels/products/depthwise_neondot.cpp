// Four rows of 16 channels interleaved to [channel][row] are four registers of four channels, which sdot multiplies with those of the
// weights.
#include "kernels/products/depthwise_neon.inl"

namespace qtool::kernels {
namespace {

/// kWidth and kStride 0: whatever the arguments say.
template <size_t kGroups, size_t kRows, size_t kWidth, size_t kStride>
struct DotCore {
  static constexpr size_t kMostPixels = 4;

  DotCore(const DepthwiseArgs& args, size_t channel, const int8_t* w)
      : weights(w), kw(kWidth ? kWidth : args.kw), stride(kStride ? kStride : args.stride), dilation(kWidth ? 1 : args.dilation) {
    for (size_t t = 0; t < kRows; ++t)
      for (size_t q = 0; q < 4; ++q) start[t][q] = vaddq_s32(vld1q_s32(args.start + channel + 4 * q), sum128(t, q));
  }

  template <class Use>
  QTOOL_INLINE void by_way(bool full, const Use& use) const {
    full ? use(Way<true>{*this}) : use(Way<false>{*this});
  }

  /// 128 times the sums of the weights, as codes are 128 lower here.
  QTOOL_INLINE int32x4_t sum128(size_t t, size_t q) const {
    int32x4_t sum = vdupq_n_s32(0);
    for (size_t kx = 0; kx < kw; ++kx)
      for (size_t g = 0; g < kGroups; ++g) sum = vdotq_s32(sum, weight(t, kx, g, q), vdupq_n_s8(1));
    return vshlq_n_s32(sum, 7);
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
      for (size_t p = 0; p < kPixels; ++p) acc[t][p] = start[t][q];
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

  /// kFull: see Output.
  template <bool kFull>
  struct Way {
    template <size_t kPixels, class Output>
    QTOOL_INLINE void tile(const int8_t* columns, const Output& output, size_t x) const {
#pragma GCC unroll 2
      for (size_t h = 0; h < 2; ++h) {
        int32x4_t acc[kRows][kPixels];
        int16x4_t low[kRows][kPixels];
        int16x8_t steps[kRows][kPixels];
        core.template quarter<kPixels>(columns, 2 * h, acc);
        for (size_t t = 0; t < kRows; ++t)
          for (size_t p = 0; p < kPixels; ++p) low[t][p] = vqmovn_s32(output.rounded(acc[t][p], 2 * h));
        core.template quarter<kPixels>(columns, 2 * h + 1, acc);
        for (size_t t = 0; t < kRows; ++t)
          for (size_t p = 0; p < kPixels; ++p) steps[t][p] = vqmovn_high_s32(low[t][p], output.rounded(acc[t][p], 2 * h + 1));
        for (size_t t = 0; t < kRows; ++t)
          for (size_t p = 0; p < kPixels; p += 2)
            output.template store<kFull>(output.out[t] + (x + p) * output.step, h, steps[t][p], steps[t][std::min(p + 1, kPixels - 1)],
                                         kPixels > 1);
      }
    }

    const DotCore& core;
  };

  const int8_t* weights;
  size_t kw, stride, dilation;
  int32x4_t start[kRows][4];
};

}  // namespace

void depthwise_neondot(const DepthwiseArgs& args) { run_any<DotCore>(args); }

}  // namespace qtool::kernels
