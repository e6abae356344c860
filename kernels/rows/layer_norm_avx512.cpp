#include "kernels/registry.h"
#include "kernels/rows/layer_norm_statistics.h"
#include "kernels/rows/rows_avx512.h"

namespace qtool::kernels {
namespace {

template <size_t R>
struct Rows {
  const LayerNormArgs args;  // a copy: stores cannot change it
  const size_t first;
  const float* in(size_t r) const { return args.in + (first + r) * args.n; }

  void run() const {
    __m512 mean[R], offset[R], inverse[R];
    find_means(mean);
    find_deviations(mean, offset, inverse);
    for (size_t r = 0; r < R; ++r) write(r, mean[r], offset[r], inverse[r]);
  }

  void find_means(__m512* mean) const {
    __m512 sum[R];
    for (size_t r = 0; r < R; ++r) sum[r] = _mm512_setzero_ps();
    for_columns(args.n, [&](size_t i, auto lanes) {
      for (size_t r = 0; r < R; ++r) sum[r] = _mm512_add_ps(sum[r], lanes.load(in(r) + i));
    });
    for (size_t r = 0; r < R; ++r)
      mean[r] = _mm512_set1_ps(static_cast<float>(static_cast<double>(sum_of(sum[r])) / static_cast<double>(args.n)));
  }

  void find_deviations(const __m512* mean, __m512* offset, __m512* inverse) const {
    __m512 sum[R], squares[R];
    for (size_t r = 0; r < R; ++r) sum[r] = squares[r] = _mm512_setzero_ps();
    for_columns(args.n, [&](size_t i, auto lanes) {
      for (size_t r = 0; r < R; ++r) {
        const __m512 d = _mm512_sub_ps(lanes.load(in(r) + i), mean[r]);
        sum[r] = lanes.or_else(sum[r], _mm512_add_ps(sum[r], d));
        squares[r] = lanes.or_else(squares[r], _mm512_add_ps(squares[r], _mm512_mul_ps(d, d)));
      }
    });
    for (size_t r = 0; r < R; ++r) {
      const Normalization normal(sum_of(sum[r]), sum_of(squares[r]), static_cast<double>(args.n), args.epsilon);
      offset[r] = _mm512_set1_ps(normal.offset);
      inverse[r] = _mm512_set1_ps(normal.inverse);
    }
  }

  void write(size_t r, __m512 mean, __m512 offset, __m512 inverse) const {
    const size_t at = (first + r) * args.n;
    const auto y = [&](size_t i, auto lanes) {
      const __m512 centred = _mm512_sub_ps(_mm512_sub_ps(lanes.load(in(r) + i), mean), offset);
      const __m512 scaled = _mm512_mul_ps(_mm512_mul_ps(centred, inverse), lanes.load(args.scale + i));
      return _mm512_add_ps(scaled, args.bias ? lanes.load(args.bias + i) : _mm512_setzero_ps());
    };
    if (args.codes) return write_codes(args.codes + at, args.n, ToBytes(args.zero_point, args.lo, args.hi), y);
    for_columns(args.n, [&](size_t i, auto lanes) { lanes.store(args.out + at + i, y(i, lanes)); });
  }
};

}  // namespace

void layer_norm_avx512(const LayerNormArgs& args) {
  size_t r = 0;
  for (; r + 4 <= args.rows; r += 4) Rows<4>{args, r}.run();
  for (; r < args.rows; ++r) Rows<1>{args, r}.run();
}

}  // namespace qtool::kernels
