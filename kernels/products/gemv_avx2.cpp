// A panel a register, up to eight of them at once so that sums do not wait for each other.
#include <immintrin.h>

#include <algorithm>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

#define QTOOL_INLINE __attribute__((always_inline)) inline

constexpr size_t kPanel = FloatGemmPacking::kColumns;

QTOOL_INLINE __m128i eight(const void* codes) { return _mm_loadl_epi64(static_cast<const __m128i*>(codes)); }
QTOOL_INLINE __m256 weights(__m128i codes, __m256 scale) { return _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(codes)), scale); }

/// Up to a panel of floats; `put` the other way.
QTOOL_INLINE __m256 take(const float* from, size_t columns) {
  if (columns >= kPanel) return _mm256_loadu_ps(from);
  float few[kPanel] = {};
  std::copy_n(from, columns, few);
  return _mm256_loadu_ps(few);
}
QTOOL_INLINE void put(float* to, __m256 y, size_t columns) {
  if (columns >= kPanel) return _mm256_storeu_ps(to, y);
  float few[kPanel];
  _mm256_storeu_ps(few, y);
  std::copy_n(few, columns, to);
}

template <class Args>
QTOOL_INLINE const auto* codes_of(const Args& args, size_t panel) {
  return args.codes + panel * args.panel_bytes();
}
template <class T>
QTOOL_INLINE const T* of_group(const GemvRow& args, const T* values, size_t panel, size_t group) {
  return values + (panel * args.groups() + group) * kPanel;
}

template <size_t kPanels>
QTOOL_INLINE void add_group(const GemvBytesArgs& args, size_t panel, size_t group, size_t first, size_t last, __m256 (&y)[kPanels]) {
  for (size_t k = first; k < last; ++k) {
    const __m256 x = _mm256_broadcast_ss(args.in + k);
    for (size_t p = 0; p < kPanels; ++p) {
      const __m256 scale = _mm256_loadu_ps(of_group(args, args.scale, panel + p, group));
      y[p] = _mm256_fmadd_ps(x, weights(eight(codes_of(args, panel + p) + k * 8), scale), y[p]);
    }
  }
}

template <size_t kPanels>
QTOOL_INLINE void add_group(const GemvNibblesArgs& args, size_t panel, size_t group, size_t first, size_t last, __m256 (&y)[kPanels]) {
  const __m128i low = _mm_set1_epi8(15);
  for (size_t k = first; k < last; k += 2) {
    const bool second = k + 1 < last;
    const __m256 a = _mm256_set1_ps(args.in[k]), b = _mm256_set1_ps(second ? args.in[k + 1] : 0);
    for (size_t p = 0; p < kPanels; ++p) {
      const __m256 scale = _mm256_loadu_ps(of_group(args, args.scale, panel + p, group));
      const __m128i zero = eight(of_group(args, args.zero, panel + p, group)), codes = eight(codes_of(args, panel + p) + k * 4);
      y[p] = _mm256_fmadd_ps(a, weights(_mm_sub_epi8(_mm_and_si128(codes, low), zero), scale), y[p]);
      if (second) y[p] = _mm256_fmadd_ps(b, weights(_mm_sub_epi8(_mm_and_si128(_mm_srli_epi16(codes, 4), low), zero), scale), y[p]);
    }
  }
}

template <size_t kPanels, class Args>
void columns(const Args& args, size_t panel) {
  const auto left = [&](size_t p) { return args.packing.n - (panel + p) * kPanel; };
  __m256 y[kPanels];
  for (size_t p = 0; p < kPanels; ++p) y[p] = take(args.start + (panel + p) * kPanel, left(p));
  for (size_t k = 0, group = 0; k < args.packing.depth; k += args.group, ++group)
    add_group(args, panel, group, k, std::min(k + args.group, args.packing.depth), y);
  const __m256 lo = _mm256_set1_ps(args.lo), hi = _mm256_set1_ps(args.hi);
  for (size_t p = 0; p < kPanels; ++p) put(args.out + (panel + p) * kPanel, _mm256_min_ps(hi, _mm256_max_ps(lo, y[p])), left(p));
}

template <class Args>
void gemv(const Args& args) {
  size_t panel = 0;
  for (; panel + 8 <= args.packing.panels(); panel += 8) columns<8>(args, panel);
  for (; panel + 2 <= args.packing.panels(); panel += 2) columns<2>(args, panel);
  if (panel < args.packing.panels()) columns<1>(args, panel);
}

}  // namespace

void gemv_bytes_avx2(const GemvBytesArgs& args) { gemv(args); }
void gemv_nibbles_avx2(const GemvNibblesArgs& args) { gemv(args); }

}  // namespace qtool::kernels
