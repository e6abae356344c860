#include "kernels/codes/codes_neon.inl"
#include "kernels/windows/average.inl"

namespace qtool::kernels {
namespace {

template <class Code>
__attribute__((always_inline)) inline void widen(uint16x8_t (&sums)[2], uint8x16_t x) {
  if constexpr (std::is_signed_v<Code>) {
    const int8x16_t s = vreinterpretq_s8_u8(x);
    sums[0] = vreinterpretq_u16_s16(vaddw_s8(vreinterpretq_s16_u16(sums[0]), vget_low_s8(s)));
    sums[1] = vreinterpretq_u16_s16(vaddw_high_s8(vreinterpretq_s16_u16(sums[1]), s));
  } else {
    sums[0] = vaddw_u8(sums[0], vget_low_u8(x)), sums[1] = vaddw_high_u8(sums[1], x);
  }
}

/// Integer sums of 16 kVectors codes over all taps, in 16 bits for as long as they fit.
template <class Code, size_t kVectors>
__attribute__((always_inline)) inline void sum_vectors(const void* const* taps, size_t count, size_t from,
                                                       int32x4_t (&sums)[4 * kVectors]) {
  const auto add = [&](const void* tap, uint16x8_t(&part)[kVectors][2]) {
    for (size_t v = 0; v < kVectors; ++v) widen<Code>(part[v], vld1q_u8(static_cast<const uint8_t*>(tap) + from + 16 * v));
  };
  for (auto& sum : sums) sum = vdupq_n_s32(0);
  for (size_t first = 0; first < count; first += 128) {
    const size_t last = std::min(count, first + 128);
    uint16x8_t part[kVectors][2] = {};
    size_t t = first;
    for (; t + 2 <= last; t += 2) add(taps[t], part), add(taps[t + 1], part);
    if (t < last) add(taps[t], part);
    for (size_t h = 0; h < 2 * kVectors; ++h) {
      const int16x8_t x = vreinterpretq_s16_u16(part[h / 2][h % 2]);  // at most 128 * 255
      sums[2 * h] = vaddw_s16(sums[2 * h], vget_low_s16(x)), sums[2 * h + 1] = vaddw_high_s16(sums[2 * h + 1], x);
    }
  }
}

/// average_by_integers in f32, of sums that this holds: what its two roundings add for less than 1024 steps is 2^-13 of a step.
struct Means {
  explicit Means(const AverageArgs& args)
      : codes(args.out_zero_point, args.lo, args.hi),
        offset(vdupq_n_s32(static_cast<int32_t>(args.count) * args.zero_point)),
        factor(vdupq_n_f32(static_cast<float>(static_cast<double>(args.scale) / (args.divisor * static_cast<double>(args.out_scale))))) {}

  /// False, and nothing written, where a mean lies close to a tie.
  __attribute__((always_inline)) bool sixteen(const int32x4_t* sums, uint8_t* out) const {
    int32x4_t steps[4];
    float32x4_t worst = vdupq_n_f32(0);
    for (size_t k = 0; k < 4; ++k) {
      const float32x4_t x = vmulq_f32(vcvtq_f32_s32(vsubq_s32(sums[k], offset)), factor), rounded = vrndnq_f32(x);
      worst = vmaxq_f32(worst, vabdq_f32(x, rounded));
      steps[k] = vcvtq_s32_f32(rounded);
    }
    if (vmaxvq_f32(worst) > 0.5f - 0x1p-10f) return false;
    vst1q_u8(out, codes(steps[0], steps[1], steps[2], steps[3]));
    return true;
  }

  Codes codes;
  int32x4_t offset;
  float32x4_t factor;
};

template <class Code, size_t kVectors>
__attribute__((always_inline)) inline void vectors(const AverageArgs& args, const Means& means, size_t from) {
  int32x4_t sums[4 * kVectors];
  sum_vectors<Code, kVectors>(args.taps, args.count, args.first + from, sums);
  auto* out = static_cast<uint8_t*>(args.out) + from;
#pragma GCC unroll 4
  for (size_t v = 0; v < kVectors; ++v)
    if (!means.sixteen(sums + 4 * v, out + 16 * v)) average_block<Code, uint8_t>(args, from + 16 * v, 16);
}

template <class Code>
void average_of(const AverageArgs& args) {
  const bool bounded = args.scale <= 16 * args.out_scale && args.count <= (1u << 20) && static_cast<double>(args.count) <= args.divisor;
  const Means means(args);
  const bool exact = bounded && args.count <= 32768;  // sums are less than 2^24
  size_t from = 0;
  for (; exact && from + 64 <= args.n; from += 64) vectors<Code, 4>(args, means, from);
  for (; exact && from + 16 <= args.n; from += 16) vectors<Code, 1>(args, means, from);
  for (; from < args.n; from += kChannels) {
    const size_t n = std::min(kChannels, args.n - from);
    if (!bounded || !average_by_integers<Code>(args, from, n)) average_block<Code, uint8_t>(args, from, n);
  }
}

}  // namespace

void average_neon(const AverageArgs& args) {
  each_window(args, [](const AverageArgs& window) {
    if (window.is_float) return average_floats(window);
    window.is_signed ? average_of<int8_t>(window) : average_of<uint8_t>(window);
  });
}

}  // namespace qtool::kernels
