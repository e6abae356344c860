#include "kernels/codes/codes_neon.inl"
#include "kernels/rows/rows_neon.h"
#include "kernels/rows/softmax.inl"

namespace qtool::kernels {
namespace {

/// 2^t of the scalar twin, step by step.
__attribute__((always_inline)) inline float32x4_t power_of_two(float32x4_t t) {
  const float32x4_t bounded = vmaxnmq_f32(t, vdupq_n_f32(-252.0f));
  const float32x4_t whole = vrndmq_f32(bounded), r = vsubq_f32(bounded, whole);
  float32x4_t p = vdupq_n_f32(kPowerOfTwo[4]);
#pragma GCC unroll 4
  for (int c = 3; c >= 0; --c) p = vfmaq_f32(vdupq_n_f32(kPowerOfTwo[c]), p, r);
  p = vfmaq_f32(vdupq_n_f32(1.0f), p, r);
  const int32x4_t k = vcvtq_s32_f32(whole), first = vshrq_n_s32(k, 1), bias = vdupq_n_s32(127);
  const float32x4_t low = vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(first, bias), 23));
  const float32x4_t high = vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vsubq_s32(k, first), bias), 23));
  return vbslq_f32(vceqq_f32(t, t), vmulq_f32(vmulq_f32(p, low), high), t);
}

/// The same where 2^t is a normal number: t >= -125 and no NaN.
__attribute__((always_inline)) inline float32x4_t normal_power_of_two(float32x4_t t) {
  const float32x4_t whole = vrndmq_f32(t), r = vsubq_f32(t, whole);
  float32x4_t p = vdupq_n_f32(kPowerOfTwo[4]);
#pragma GCC unroll 4
  for (int c = 3; c >= 0; --c) p = vfmaq_f32(vdupq_n_f32(kPowerOfTwo[c]), p, r);
  p = vfmaq_f32(vdupq_n_f32(1.0f), p, r);
  return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(p), vshlq_n_s32(vcvtq_s32_f32(whole), 23)));
}

/// The greatest of a row's whole vectors, as `largest` finds it: NaN only where it comes first; and their least, NaN where there is one.
struct Extent {
  Extent(const float* in, size_t n) {
    float32x4_t top = vdupq_n_f32(in[0]), bottom = top;
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
      const float32x4x4_t x = vld1q_f32_x4(in + i);
      top = vmaxnmq_f32(top, vmaxnmq_f32(vmaxnmq_f32(x.val[0], x.val[1]), vmaxnmq_f32(x.val[2], x.val[3])));
      bottom = vminq_f32(bottom, vminq_f32(vminq_f32(x.val[0], x.val[1]), vminq_f32(x.val[2], x.val[3])));
    }
    most = vmaxnmvq_f32(top), least = vminvq_f32(bottom);
    for (; i < n; ++i) most = greater(most, in[i]);
  }
  bool normal() const { return (least - most) * 1.44269504f >= -125.0f; }
  float most, least;
};

/// e of a row whose greatest is known, and their sum.
template <class Power>
__attribute__((always_inline)) inline float sum_with(const float* in, float* e, size_t n, float top, Power power) {
  constexpr float kLog2e = 1.44269504f;
  Lanes sum;
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const float32x4x4_t x = vld1q_f32_x4(in + i);
    float32x4_t y[4];
    for (size_t k = 0; k < 4; ++k) y[k] = power(vmulq_f32(vsubq_f32(x.val[k], vdupq_n_f32(top)), vdupq_n_f32(kLog2e)));
    for (size_t k = 0; k < 4; ++k) sum.part[k] = vaddq_f32(sum.part[k], y[k]), vst1q_f32(e + i + 4 * k, y[k]);
  }
  float lanes[16];
  sum.store(lanes);
  for (size_t l = 0; i < n; ++i, ++l) lanes[l] += e[i] = power_of_two((in[i] - top) * kLog2e);
  return total(lanes);
}

float exponentials_and_sum(const float* in, float* e, size_t n) {
  const Extent extent(in, n);
  if (extent.normal()) return sum_with(in, e, n, extent.most, [](float32x4_t t) { return normal_power_of_two(t); });
  return sum_with(in, e, n, extent.most, [](float32x4_t t) { return power_of_two(t); });
}

void scale_row(float* e, size_t n, float factor) {
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const float32x4x4_t x = vld1q_f32_x4(e + i);
    for (size_t k = 0; k < 4; ++k) vst1q_f32(e + i + 4 * k, vmulq_n_f32(x.val[k], factor));
  }
  for (; i < n; ++i) e[i] *= factor;
}

void codes_row(const SoftmaxArgs& args, const float* e, uint8_t* to, float factor, const Codes& codes) {
  size_t i = 0;
  const auto steps = [factor](float32x4_t x) { return vcvtnq_s32_f32(vmulq_n_f32(x, factor)); };
  for (; i + 16 <= args.n; i += 16) {
    const float32x4x4_t x = vld1q_f32_x4(e + i);
    vst1q_u8(to + i, codes(steps(x.val[0]), steps(x.val[1]), steps(x.val[2]), steps(x.val[3])));
  }
  for (; i < args.n; ++i) to[i] = code_of(e[i] * factor, args.zero_point, args.lo, args.hi);
}

/// NaN in a row's first place makes all of it NaN, whatever follows: that row is the scalar twin's.
void row(const SoftmaxArgs& args, size_t r, const Codes& codes) {
  const float* in = args.in + r * args.n;
  float* e = args.out + (args.codes ? 0 : r * args.n);
  const float sum = exponentials_and_sum(in, e, args.n);
  const float factor = 1.0f / (args.codes ? sum * args.scale : sum);
  args.codes ? codes_row(args, e, args.codes + r * args.n, factor, codes) : scale_row(e, args.n, factor);
}

}  // namespace

void softmax_neon(const SoftmaxArgs& args) {
  const Codes codes(args.zero_point, args.lo, args.hi);
  for (size_t r = 0; r < args.rows; ++r) {
    const float first = args.in[r * args.n];
    if (first == first) {
      row(args, r, codes);
      continue;
    }
    SoftmaxArgs one = args;
    one.rows = 1, one.in += r * args.n;
    if (args.codes)
      one.codes += r * args.n;
    else
      one.out += r * args.n;
    softmax_any(one);
  }
}

}  // namespace qtool::kernels
