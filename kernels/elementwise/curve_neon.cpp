// The operations of curve.inl and mathematics.inl in the same order, four at a time; what the compiler makes of those keeps its distance
// from comparisons that NaN may meet.
#include <arm_neon.h>

#include "kernels/registry.h"

#define QTOOL_INLINE __attribute__((always_inline)) inline

namespace qtool::kernels {
namespace {

using V = float32x4_t;

QTOOL_INLINE V v(float x) { return vdupq_n_f32(x); }
QTOOL_INLINE V select(uint32x4_t mask, V a, V b) { return vbslq_f32(mask, a, b); }
QTOOL_INLINE V lesser(V a, V b) { return select(vcltq_f32(a, b), a, b); }
QTOOL_INLINE V greater(V a, V b) { return select(vcgtq_f32(a, b), a, b); }
/// a * b + c, two roundings.
QTOOL_INLINE V times_plus(V a, V b, float c) { return vaddq_f32(vmulq_f32(a, b), v(c)); }

/// exp_of. kNegative: of nothing above 88. min and max keep NaN, and so does all that follows.
template <bool kNegative>
QTOOL_INLINE V exp_of(V x) {
  constexpr float kLog2e = 1.44269504f, kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f, kToInteger = 12582912.0f;
  const V bounded = vmaxq_f32(kNegative ? x : vminq_f32(x, v(88.8f)), v(-87.0f));
  const V shifted = vaddq_f32(vmulq_f32(bounded, v(kLog2e)), v(kToInteger)), k = vsubq_f32(shifted, v(kToInteger));
  const V r = vsubq_f32(vsubq_f32(bounded, vmulq_f32(k, v(kLn2High))), vmulq_f32(k, v(kLn2Low)));
  V p = times_plus(v(1.0f / 5040), r, 1.0f / 720);
  p = times_plus(p, r, 1.0f / 120);
  p = times_plus(p, r, 1.0f / 24);
  p = times_plus(p, r, 1.0f / 6);
  p = times_plus(p, r, 0.5f);
  p = times_plus(p, r, 1.0f);
  p = times_plus(p, r, 1.0f);
  // The low bits of `shifted` are k.
  const int32x4_t half = vaddq_s32(vshlq_n_s32(vreinterpretq_s32_f32(shifted), 23), vdupq_n_s32(126 << 23));
  const V power = vmulq_f32(p, vreinterpretq_f32_s32(half)), result = vaddq_f32(power, power);
  return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(result), vcltq_f32(x, v(-87.0f))));
}

QTOOL_INLINE V sigmoid_of(V x) { return vdivq_f32(v(1), vaddq_f32(v(1), exp_of<false>(vnegq_f32(x)))); }

QTOOL_INLINE V tanh_of(V x) {
  const V squared = vmulq_f32(x, x);
  const V third = vaddq_f32(v(2.0f / 15), vmulq_f32(squared, v(-17.0f / 315))), second = vaddq_f32(v(-1.0f / 3), vmulq_f32(squared, third));
  const V series = vmulq_f32(x, vaddq_f32(v(1), vmulq_f32(squared, second)));
  const V quotient = vsubq_f32(v(1), vdivq_f32(v(2), vaddq_f32(exp_of<false>(vmulq_f32(v(2), x)), v(1))));
  return select(vcltq_f32(squared, v(0.03f)), series, quotient);
}

QTOOL_INLINE V erf_of(V x) {
  const V magnitude = vabsq_f32(x), squared = vmulq_f32(x, x);
  const V t = vdivq_f32(v(1), vaddq_f32(v(1), vmulq_f32(v(0.3275911f), magnitude)));
  V polynomial = vsubq_f32(vmulq_f32(v(1.061405429f), t), v(1.453152027f));
  polynomial = times_plus(polynomial, t, 1.421413741f);
  polynomial = vsubq_f32(vmulq_f32(polynomial, t), v(0.284496736f));
  polynomial = vmulq_f32(times_plus(polynomial, t, 0.254829592f), t);
  const V tail = vsubq_f32(v(1), vmulq_f32(polynomial, exp_of<true>(vnegq_f32(squared))));
  const V signed_tail = select(vdupq_n_u32(0x80000000), x, tail);
  const V third = vaddq_f32(v(1.0f / 10), vmulq_f32(squared, v(-1.0f / 42))), second = vaddq_f32(v(-1.0f / 3), vmulq_f32(squared, third));
  const V series = vmulq_f32(vmulq_f32(v(1.12837917f), x), vaddq_f32(v(1), vmulq_f32(squared, second)));
  return select(vcltq_f32(squared, v(0.05f)), series, signed_tail);
}

/// kVectors at a time, then one by one, then the scalar twin.
template <size_t kVectors, class F>
QTOOL_INLINE void each(const CurveArgs& args, F f) {
  const float* in = args.in;
  float* out = args.out;
  const size_t n = args.n;
  size_t i = 0;
  for (; i + 4 * kVectors <= n; i += 4 * kVectors) {
    V y[kVectors];
#pragma GCC unroll 4
    for (size_t k = 0; k < kVectors; ++k) y[k] = f(vld1q_f32(in + i + 4 * k));
#pragma GCC unroll 4
    for (size_t k = 0; k < kVectors; ++k) vst1q_f32(out + i + 4 * k, y[k]);
  }
  if (i == n) return;
  CurveArgs rest = args;
  rest.in += i, rest.out += i, rest.n -= i;
  curve_scalar(rest);
}

/// What takes few instructions: true where that was it.
bool simple(const CurveArgs& args) {
  const V alpha = v(args.alpha), beta = v(args.beta);
  switch (args.kind) {
    case CurveKind::clip:
      return each<4>(args,
                     [=](V x) {
                       const V above = select(vcltq_f32(x, alpha), alpha, x);
                       return select(vcgtq_f32(above, beta), beta, above);
                     }),
             true;
    case CurveKind::leaky:
      return each<4>(args, [=](V x) { return select(vcgezq_f32(x), x, vmulq_f32(alpha, x)); }), true;
    case CurveKind::affine:
      return each<4>(args, [=](V x) { return vaddq_f32(vmulq_f32(alpha, x), beta); }), true;
    case CurveKind::hard_swish:
      return each<4>(args, [](V x) { return vmulq_f32(x, lesser(greater(vaddq_f32(vdivq_f32(x, v(6)), v(0.5f)), v(0)), v(1))); }), true;
    case CurveKind::hard_sigmoid:
      return each<4>(args, [=](V x) { return lesser(greater(vaddq_f32(vmulq_f32(alpha, x), beta), v(0)), v(1)); }), true;
    case CurveKind::abs:
      return each<4>(args, [](V x) { return vabsq_f32(x); }), true;
    case CurveKind::sqrt:
      return each<4>(args, [](V x) { return vsqrtq_f32(x); }), true;
    case CurveKind::square:
      return each<4>(args, [](V x) { return vmulq_f32(x, x); }), true;
    case CurveKind::divide:
      return each<4>(args, [=](V x) { return vdivq_f32(x, alpha); }), true;
    default:
      return false;
  }
}

QTOOL_INLINE V half_times(V x, V y) { return vmulq_f32(vmulq_f32(v(0.5f), x), vaddq_f32(v(1), y)); }

void transcendental(const CurveArgs& args) {
  const V alpha = v(args.alpha);
  switch (args.kind) {
    case CurveKind::sigmoid:
      return each<2>(args, [](V x) { return sigmoid_of(x); });
    case CurveKind::swish:
      return each<2>(args, [=](V x) { return vmulq_f32(x, sigmoid_of(vmulq_f32(alpha, x))); });
    case CurveKind::tanh:
      return each<2>(args, [](V x) { return tanh_of(x); });
    case CurveKind::exp:
      return each<2>(args, [](V x) { return exp_of<false>(x); });
    case CurveKind::erf:
      return each<2>(args, [](V x) { return erf_of(x); });
    case CurveKind::gelu_erf:
      return each<2>(args, [](V x) { return half_times(x, erf_of(vmulq_f32(x, v(0.707106781f)))); });
    case CurveKind::gelu_tanh:
      return each<2>(args, [](V x) {
        const V cube = vmulq_f32(vmulq_f32(vmulq_f32(v(0.044715f), x), x), x);
        return half_times(x, tanh_of(vmulq_f32(v(0.797884561f), vaddq_f32(x, cube))));
      });
    case CurveKind::elu:
      return each<2>(args, [=](V x) { return select(vcgezq_f32(x), x, vmulq_f32(alpha, vsubq_f32(exp_of<false>(x), v(1)))); });
    default:
      return curve_scalar(args);
  }
}

}  // namespace

void curve_neon(const CurveArgs& args) {
  if (!simple(args)) transcendental(args);
}

}  // namespace qtool::kernels
