#include "kernels/registry.h"
#include "kernels/rows/rows_avx512.h"

namespace qtool::kernels {
namespace {

/// 2^t for t <= 0, NaN for NaN: vscalefps multiplies by 2^floor(t). (vreduceps would round t - floor(t) downwards where it is not exact,
/// for t near 0.)
struct PowerOfTwo {
  __m512 c[5];
  PowerOfTwo() {
    for (int i = 0; i < 5; ++i) c[i] = _mm512_set1_ps(kPowerOfTwo[i]);
  }
  __m512 operator()(__m512 t) const {
    t = _mm512_max_ps(_mm512_set1_ps(-252), t);  // the second where one is no number
    const __m512 r = _mm512_sub_ps(t, _mm512_roundscale_ps(t, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC));
    __m512 p = c[4];
    for (int i = 3; i >= 0; --i) p = _mm512_fmadd_ps(p, r, c[i]);
    return _mm512_scalef_ps(_mm512_fmadd_ps(p, r, _mm512_set1_ps(1)), t);
  }
};

template <size_t R>
struct Rows {
  const SoftmaxArgs args;  // a copy: stores cannot change it
  const float* in;
  float* out;
  uint8_t* codes;

  void run() const {
    __m512 top[R], factor[R];
    find_largest(top);
    exponentials(top, factor);
    for (size_t r = 0; r < R; ++r) factor[r] = _mm512_set1_ps(1.0f / (codes ? sum_of(factor[r]) * args.scale : sum_of(factor[r])));
    codes ? to_codes(factor) : to_floats(factor);
  }

  /// A NaN makes sums NaN, whatever the largest is.
  void find_largest(__m512* top) const {
    for (size_t r = 0; r < R; ++r) top[r] = _mm512_set1_ps(in[r * args.n]);
    for_columns(args.n, [&](size_t i, auto lanes) {
      for (size_t r = 0; r < R; ++r) top[r] = lanes.or_else(top[r], _mm512_max_ps(top[r], lanes.load(in + r * args.n + i)));
    });
    for (size_t r = 0; r < R; ++r) top[r] = _mm512_set1_ps(_mm512_reduce_max_ps(top[r]));
  }

  void exponentials(const __m512* top, __m512* total) const {
    const PowerOfTwo power;
    for (size_t r = 0; r < R; ++r) total[r] = _mm512_setzero_ps();
    for_columns(args.n, [&](size_t i, auto lanes) {
      for (size_t r = 0; r < R; ++r) {
        const __m512 x = _mm512_sub_ps(lanes.load(in + r * args.n + i), top[r]);
        const __m512 e = power(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)));
        lanes.store(out + r * args.n + i, e);
        total[r] = lanes.or_else(total[r], _mm512_add_ps(total[r], e));
      }
    });
  }

  void to_floats(const __m512* factor) const {
    for (size_t r = 0; r < R; ++r)
      for_columns(args.n, [&](size_t i, auto lanes) {
        float* at = out + r * args.n + i;
        lanes.store(at, _mm512_mul_ps(lanes.load(at), factor[r]));
      });
  }

  void to_codes(const __m512* factor) const {
    const ToBytes to_bytes(args.zero_point, args.lo, args.hi);
    for (size_t r = 0; r < R; ++r)
      write_codes(codes + r * args.n, args.n, to_bytes,
                  [&](size_t i, auto lanes) { return _mm512_mul_ps(lanes.load(out + r * args.n + i), factor[r]); });
  }
};

template <size_t R>
void run_rows(const SoftmaxArgs& args, size_t first) {
  const size_t at = first * args.n;
  Rows<R>{args, args.in + at, args.out + (args.codes ? 0 : at), args.codes ? args.codes + at : nullptr}.run();
}

}  // namespace

void softmax_avx512(const SoftmaxArgs& args) {
  size_t r = 0;
  for (; r + 4 <= args.rows; r += 4) run_rows<4>(args, r);
  for (; r < args.rows; ++r) run_rows<1>(args, r);
}

}  // namespace qtool::kernels
