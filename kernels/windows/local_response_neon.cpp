#include <algorithm>
#include <cstring>

#include "kernels/codes/codes_neon.inl"
#include "kernels/registry.h"

#define QTOOL_INLINE __attribute__((always_inline)) inline

namespace qtool::kernels {
namespace {

/// v^(-3/4)
QTOOL_INLINE float32x4_t power_of(float32x4_t v) {
  const float32x4_t q = vreinterpretq_f32_s32(vsubq_s32(vdupq_n_s32(kQuarterRoot), vshrq_n_s32(vreinterpretq_s32_f32(v), 2)));
  const float32x4_t square = vmulq_f32(q, q), h = vfmsq_f32(vdupq_n_f32(1.0f), vmulq_f32(v, square), square);
  float32x4_t p = vdupq_n_f32(kThreeQuarters[5]);
  for (int k = 4; k >= 0; --k) p = vfmaq_f32(vdupq_n_f32(kThreeQuarters[k]), p, h);
  return vmulq_f32(vmulq_f32(square, q), p);
}

/// Sixteen bytes at `from`, of which n are there.
QTOOL_INLINE uint8x16_t bytes_at(const uint8_t* from, size_t n) {
  if (n >= 16) return vld1q_u8(from);
  uint8_t bytes[16] = {};
  std::memcpy(bytes, from, n);
  return vld1q_u8(bytes);
}

/// d[c + half], sixteen at a time, `half` zeros in front and behind.
struct Row {
  explicit Row(const LocalResponseArgs& row) : args(row) {}

  void read(const uint8_t* in) const {
    const float32x4_t zero_point = vdupq_n_f32(static_cast<float>(args.in_zero_point));
    float* d = args.scratch + args.half;
    for (size_t i = 0; i < args.n; i += 16) {
      const uint8x16_t bytes = bytes_at(in + i, args.n - i);
      const int8x16_t s = vreinterpretq_s8_u8(bytes);
      const int16x8_t wide[2] = {args.in_signed ? vmovl_s8(vget_low_s8(s)) : vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(bytes))),
                                 args.in_signed ? vmovl_high_s8(s) : vreinterpretq_s16_u16(vmovl_high_u8(bytes))};
      for (size_t q = 0; q < 4; ++q) {
        const int32x4_t codes = q % 2 ? vmovl_high_s16(wide[q / 2]) : vmovl_s16(vget_low_s16(wide[q / 2]));
        vst1q_f32(d + i + 4 * q, vsubq_f32(vcvtq_f32_s32(codes), zero_point));
      }
    }
    std::fill_n(args.scratch, args.half, 0.0f);
    std::fill_n(d + args.n, args.half, 0.0f);
  }

  QTOOL_INLINE int32x4_t steps(size_t i) const {
    float32x4_t square = vdupq_n_f32(0);
    for (size_t d = 0; d < 2 * args.half + 1; ++d) {
      const float32x4_t x = vld1q_f32(args.scratch + i + d);
      square = vfmaq_f32(square, x, x);
    }
    const float32x4_t power = power_of(vfmaq_f32(vdupq_n_f32(args.bias), vdupq_n_f32(args.factor), square));
    return vcvtnq_s32_f32(vmulq_f32(vmulq_f32(power, vld1q_f32(args.scratch + args.half + i)), vdupq_n_f32(args.steps)));
  }

  void write(uint8_t* out, const Codes& codes) const {
    for (size_t i = 0; i < args.n; i += 16) {
      const uint8x16_t bytes = codes(steps(i), steps(i + 4), steps(i + 8), steps(i + 12));
      if (i + 16 <= args.n) {
        vst1q_u8(out + i, bytes);
      } else {
        uint8_t few[16];
        vst1q_u8(few, bytes);
        std::memcpy(out + i, few, args.n - i);
      }
    }
  }

  const LocalResponseArgs args;
};

}  // namespace

void local_response_neon(const LocalResponseArgs& args) {
  const Row row(args);
  const Codes codes(args.zero_point, args.lo, args.hi);
  for (size_t r = 0; r < args.rows; ++r) {
    row.read(args.in + r * args.n);
    row.write(args.out + r * args.n, codes);
  }
}

}  // namespace qtool::kernels
