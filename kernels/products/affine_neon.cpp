// Sixteen channels keep their lines in registers for all pixels.
#include <arm_neon.h>

#include <algorithm>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

/// Lines of channels c .. c + 15, c a multiple of 16. Codes are kept as s8 until the end: those of u8 are 128 lower.
struct Lines {
  Lines(const AffineArgs& args, size_t c) : flip(vdupq_n_u8(args.flip)), shift(vdupq_n_s16(static_cast<int16_t>(16 - args.shift))) {
    const int32_t base = args.hi > 127 ? 128 : 0;
    for (size_t q = 0; q < 4; ++q) {
      const size_t i = affine_index(c + 8 * (q / 2)) + 4 * (q % 2);
      multiplier[q] = vld1q_s32(args.multiplier + i), offset[q] = vld1q_s32(args.offset + i);
      uint8_t places[16];
      for (size_t j = 0; j < 16; ++j) places[j] = j % 4 == 0 ? static_cast<uint8_t>(4 * q + j / 4) : 255;
      index[q] = vld1q_u8(places);
    }
    zero = vdupq_n_s16(static_cast<int16_t>(base)), back = vdupq_n_u8(static_cast<uint8_t>(base));
    lo = vdupq_n_s8(static_cast<int8_t>(args.lo - base)), hi = vdupq_n_s8(static_cast<int8_t>(args.hi - base));
  }

  __attribute__((always_inline)) int32x4_t line(uint8x16_t x, size_t q) const {
    return vmlaq_s32(offset[q], vreinterpretq_s32_u8(vqtbl1q_u8(x, index[q])), multiplier[q]);
  }
  /// The upper halves of eight, shifted by what is left of `shift`.
  __attribute__((always_inline)) int16x8_t eight(uint8x16_t x, size_t q) const {
    const auto half = [&](size_t k) { return vreinterpretq_s16_s32(line(x, k)); };
    return vqsubq_s16(vshlq_s16(vuzp2q_s16(half(q), half(q + 1)), shift), zero);
  }
  __attribute__((always_inline)) uint8x16_t operator()(uint8x16_t in) const {
    const uint8x16_t x = veorq_u8(in, flip);
    const int8x16_t codes = vqmovn_high_s16(vqmovn_s16(eight(x, 0)), eight(x, 2));
    return veorq_u8(vreinterpretq_u8_s8(vminq_s8(vmaxq_s8(codes, lo), hi)), back);
  }

  int32x4_t multiplier[4], offset[4];
  uint8x16_t index[4], flip, back;
  int16x8_t shift, zero;
  int8x16_t lo, hi;
};

/// Fewer than 16 channels from c on.
void few(const AffineArgs& args, const Lines& lines, size_t c, size_t n) {
  for (size_t p = 0; p < args.pixels; ++p) {
    uint8_t x[16] = {};
    std::copy_n(args.in + p * args.channels + c, n, x);
    vst1q_u8(x, lines(vld1q_u8(x)));
    std::copy_n(x, n, args.out + p * args.channels + c);
  }
}

}  // namespace

void affine_neon(const AffineArgs& args) {
  const size_t step = args.channels;
  for (size_t c = 0; c < args.channels; c += 16) {
    const Lines lines(args, c);
    if (c + 16 > args.channels) return few(args, lines, c, args.channels - c);
    const uint8_t* in = args.in + c;
    uint8_t* out = args.out + c;
    for (size_t p = 0; p < args.pixels; ++p, in += step, out += step) vst1q_u8(out, lines(vld1q_u8(in)));
  }
}

}  // namespace qtool::kernels
