#include "kernels/codes/codes_neon.inl"
#include "kernels/registry.h"
#include "kernels/rows/layer_norm_statistics.h"
#include "kernels/rows/rows.inl"
#include "kernels/rows/rows_neon.h"

namespace qtool::kernels {
namespace {

float sum_of(const float* in, size_t n) {
  Lanes sum;
  size_t i = 0;
  for (; i + 16 <= n; i += 16) sum.add(vld1q_f32_x4(in + i), [](float32x4_t x) { return x; });
  float lanes[16];
  sum.store(lanes);
  for (size_t l = 0; i < n; ++i, ++l) lanes[l] += in[i];
  return total(lanes);
}

/// The sums of d and of d^2.
struct Deviations {
  Deviations(const float* in, size_t n, float m) {
    Lanes first, second;
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
      const float32x4x4_t x = vld1q_f32_x4(in + i);
      for (size_t k = 0; k < 4; ++k) {
        const float32x4_t d = vsubq_f32(x.val[k], vdupq_n_f32(m));
        first.part[k] = vaddq_f32(first.part[k], d), second.part[k] = vaddq_f32(second.part[k], vmulq_f32(d, d));
      }
    }
    float lanes[16], squared[16];
    first.store(lanes), second.store(squared);
    for (size_t l = 0; i < n; ++i, ++l) lanes[l] += in[i] - m, squared[l] += (in[i] - m) * (in[i] - m);
    sum = total(lanes), squares = total(squared);
  }
  float sum, squares;
};

/// One row from its statistics.
struct Row {
  const LayerNormArgs& args;
  const float *in, *scale, *bias;
  float m, offset, inverse;

  __attribute__((always_inline)) float32x4_t y(size_t i) const {
    const float32x4_t d = vsubq_f32(vsubq_f32(vld1q_f32(in + i), vdupq_n_f32(m)), vdupq_n_f32(offset));
    const float32x4_t scaled = vmulq_f32(vmulq_n_f32(d, inverse), vld1q_f32(scale + i));
    return vaddq_f32(scaled, bias ? vld1q_f32(bias + i) : vdupq_n_f32(0.0f));
  }
  float one(size_t i) const { return (in[i] - m - offset) * inverse * scale[i] + (bias ? bias[i] : 0.0f); }

  void floats(float* out) const {
    size_t i = 0;
    for (; i + 16 <= args.n; i += 16) {
      const float32x4_t x[4] = {y(i), y(i + 4), y(i + 8), y(i + 12)};  // out may be in
      for (size_t k = 0; k < 4; ++k) vst1q_f32(out + i + 4 * k, x[k]);
    }
    for (; i < args.n; ++i) out[i] = one(i);
  }
  void codes(uint8_t* out, const Codes& code) const {
    size_t i = 0;
    const auto steps = [this](size_t at) { return vcvtnq_s32_f32(y(at)); };
    for (; i + 16 <= args.n; i += 16) vst1q_u8(out + i, code(steps(i), steps(i + 4), steps(i + 8), steps(i + 12)));
    for (; i < args.n; ++i) out[i] = code_of(one(i), args.zero_point, args.lo, args.hi);
  }
};

}  // namespace

void layer_norm_neon(const LayerNormArgs& args) {
  const Codes code(args.zero_point, args.lo, args.hi);
  const auto n = static_cast<double>(args.n);
  for (size_t r = 0; r < args.rows; ++r) {
    const float* in = args.in + r * args.n;
    const auto m = static_cast<float>(static_cast<double>(sum_of(in, args.n)) / n);
    const Deviations d(in, args.n, m);
    const Normalization normal(d.sum, d.squares, n, args.epsilon);
    const Row row{args, in, args.scale, args.bias, m, normal.offset, normal.inverse};
    args.codes ? row.codes(args.codes + r * args.n, code) : row.floats(args.out + r * args.n);
  }
}

}  // namespace qtool::kernels
