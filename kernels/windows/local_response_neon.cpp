#include <algorithm>
#include <cstring>

#include "kernels/codes/codes_neon.inl"
#include "kernels/registry.h"

#define QTOOL_INLINE __attribute__((always_inline)) inline

namespace qtool::kernels {
namespace {

/// v^(-3/4)
QTOOL_INLINE float32x4_t power_of(float32x4_t v) {
  float32x4_t q = vreinterpretq_f32_s32(vsubq_s32(vdupq_n_s32(kQuarterRoot), vshrq_n_s32(vreinterpretq_s32_f32(v), 2)));
  const float32x4_t quarter = vmulq_f32(vdupq_n_f32(0.25f), v);
  for (int step = 0; step < 3; ++step) {
    const float32x4_t square = vmulq_f32(q, q), product = vmulq_f32(vmulq_f32(quarter, square), square);
    q = vmulq_f32(q, vsubq_f32(vdupq_n_f32(1.25f), product));
  }
  return vmulq_f32(vmulq_f32(q, q), q);
}

/// Sixteen bytes at `from`, of which n are there.
QTOOL_INLINE uint8x16_t bytes_at(const uint8_t* from, size_t n) {
  if (n >= 16) return vld1q_u8(from);
  uint8_t bytes[16] = {};
  std::memcpy(bytes, from, n);
  return vld1q_u8(bytes);
}

/// x and, `half` zeros in front and behind, its squares, sixteen at a time.
struct Row {
  explicit Row(const LocalResponseArgs& row) : args(row), x(row.scratch), squares(row.scratch + (row.n + 15) / 16 * 16) {}

  void read(const uint8_t* in) const {
    const float32x4_t scale = vdupq_n_f32(args.in_scale);
    const int32x4_t zero_point = vdupq_n_s32(args.in_zero_point);
    for (size_t i = 0; i < args.n; i += 16) {
      const uint8x16_t bytes = bytes_at(in + i, args.n - i);
      const int8x16_t s = vreinterpretq_s8_u8(bytes);
      const int16x8_t wide[2] = {args.in_signed ? vmovl_s8(vget_low_s8(s)) : vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(bytes))),
                                 args.in_signed ? vmovl_high_s8(s) : vreinterpretq_s16_u16(vmovl_high_u8(bytes))};
      for (size_t q = 0; q < 4; ++q) {
        const int32x4_t codes = q % 2 ? vmovl_high_s16(wide[q / 2]) : vmovl_s16(vget_low_s16(wide[q / 2]));
        const float32x4_t real = vmulq_f32(vcvtq_f32_s32(vsubq_s32(codes, zero_point)), scale);
        vst1q_f32(x + i + 4 * q, real);
        vst1q_f32(squares + args.half + i + 4 * q, vmulq_f32(real, real));
      }
    }
    std::fill_n(squares, args.half, 0.0f);
    std::fill_n(squares + args.half + args.n, args.half, 0.0f);
  }

  QTOOL_INLINE int32x4_t steps(size_t i) const {
    float32x4_t square = vld1q_f32(squares + i);
    for (size_t d = 1; d < 2 * args.half + 1; ++d) square = vaddq_f32(square, vld1q_f32(squares + i + d));
    const float32x4_t power = power_of(vaddq_f32(vdupq_n_f32(args.bias), vmulq_f32(vdupq_n_f32(args.factor), square)));
    return vcvtnq_s32_f32(vmulq_f32(vmulq_f32(vld1q_f32(x + i), power), vdupq_n_f32(args.steps)));
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
  float *x, *squares;
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
