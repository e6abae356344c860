#include <arm_neon.h>

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
__attribute__((always_inline)) inline void sum_vectors(const void* const* taps, size_t count, size_t from, int32_t* to) {
  int32x4_t sums[4 * kVectors] = {};
  for (size_t first = 0; first < count; first += 128) {
    const size_t last = std::min(count, first + 128);
    uint16x8_t part[kVectors][2] = {};
    for (size_t t = first; t < last; ++t)
      for (size_t v = 0; v < kVectors; ++v) widen<Code>(part[v], vld1q_u8(static_cast<const uint8_t*>(taps[t]) + from + 16 * v));
    for (size_t h = 0; h < 2 * kVectors; ++h) {
      const int16x8_t x = vreinterpretq_s16_u16(part[h / 2][h % 2]);  // at most 128 * 255
      sums[2 * h] = vaddw_s16(sums[2 * h], vget_low_s16(x)), sums[2 * h + 1] = vaddw_high_s16(sums[2 * h + 1], x);
    }
  }
  for (size_t k = 0; k < 4 * kVectors; ++k) vst1q_s32(to + 4 * k, sums[k]);
}

/// average_by_integers of 16 channels from their sums: see there.
template <class Code>
bool sixteen_by_integers(const AverageArgs& args, size_t from, const int32_t* sums) {
  int32_t steps[16];
  const float64x2_t factor = vdupq_n_f64(static_cast<double>(args.scale) / (args.divisor * static_cast<double>(args.out_scale)));
  const int32x2_t offset = vdup_n_s32(static_cast<int32_t>(args.count) * args.zero_point);
  const float64x2_t bound = vdupq_n_f64(1024);
  float64x2_t worst = vdupq_n_f64(0);
  for (size_t c = 0; c < 16; c += 2) {
    const float64x2_t x = vmulq_f64(vcvtq_f64_s64(vsubl_s32(vld1_s32(sums + c), offset)), factor);
    const float64x2_t bounded = vminq_f64(vmaxq_f64(x, vnegq_f64(bound)), bound), rounded = vrndnq_f64(bounded);
    worst = vmaxq_f64(worst, vabdq_f64(bounded, rounded));
    vst1_s32(steps + c, vmovn_s64(vcvtq_s64_f64(rounded)));
  }
  if (vmaxvq_f64(worst) > 0.5 - 0x1p-10) return false;
  const auto four = [&](size_t k) { return vld1q_s32(steps + 4 * k); };
  const int16x8_t zero = vdupq_n_s16(static_cast<int16_t>(args.out_zero_point));
  const int16x8_t lo = vdupq_n_s16(static_cast<int16_t>(args.lo)), hi = vdupq_n_s16(static_cast<int16_t>(args.hi));
  const auto codes = [&](size_t k) {
    const int16x8_t x = vaddq_s16(vmovn_high_s32(vmovn_s32(four(k)), four(k + 1)), zero);
    return vreinterpretq_u16_s16(vminq_s16(vmaxq_s16(x, lo), hi));
  };
  vst1q_u8(static_cast<uint8_t*>(args.out) + from, vmovn_high_u16(vmovn_u16(codes(0)), codes(2)));
  return true;
}

template <class Code, size_t kVectors>
void vectors(const AverageArgs& args, size_t from) {
  int32_t sums[16 * kVectors];
  sum_vectors<Code, kVectors>(args.taps, args.count, from, sums);
  for (size_t v = 0; v < kVectors; ++v)
    if (!sixteen_by_integers<Code>(args, from + 16 * v, sums + 16 * v)) average_block<Code, uint8_t>(args, from + 16 * v, 16);
}

template <class Code>
void average_of(const AverageArgs& args) {
  const bool bounded = args.scale <= 16 * args.out_scale && args.count <= (1u << 20) && static_cast<double>(args.count) <= args.divisor;
  size_t from = 0;
  for (; bounded && from + 64 <= args.n; from += 64) vectors<Code, 4>(args, from);
  for (; bounded && from + 16 <= args.n; from += 16) vectors<Code, 1>(args, from);
  for (; from < args.n; from += kChannels) {
    const size_t n = std::min(kChannels, args.n - from);
    if (!bounded || !average_by_integers<Code>(args, from, n)) average_block<Code, uint8_t>(args, from, n);
  }
}

}  // namespace

void average_neon(const AverageArgs& args) {
  if (args.is_float) return average_floats(args);
  args.is_signed ? average_of<int8_t>(args) : average_of<uint8_t>(args);
}

}  // namespace qtool::kernels
