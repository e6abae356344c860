// Two panels a register, up to four registers of columns at once so that sums do not wait for each other.
#include <immintrin.h>

#include <algorithm>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

#define QTOOL_INLINE __attribute__((always_inline)) inline

constexpr size_t kPanel = FloatGemmPacking::kColumns, kLanes = 2 * kPanel;

QTOOL_INLINE __m128i both(const void* low, const void* high) {
  return _mm_unpacklo_epi64(_mm_loadl_epi64(static_cast<const __m128i*>(low)), _mm_loadl_epi64(static_cast<const __m128i*>(high)));
}
QTOOL_INLINE __m512 both(const float* low, const float* high) {
  return _mm512_insertf32x8(_mm512_castps256_ps512(_mm256_loadu_ps(low)), _mm256_loadu_ps(high), 1);
}
QTOOL_INLINE __m512 weights(__m128i codes, __m512 scale) { return _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(codes)), scale); }

/// Two panels from one on; the second is the first again where there is none.
template <class Args>
struct Pair {
  const Args& args;
  const size_t first, second;
  QTOOL_INLINE Pair(const Args& args, size_t panel)
      : args(args), first(panel), second(panel + 1 < args.packing.panels() ? panel + 1 : panel) {}

  template <class T>
  QTOOL_INLINE auto of_group(const T* values, size_t group) const {
    return both(values + (first * args.groups() + group) * kPanel, values + (second * args.groups() + group) * kPanel);
  }
  QTOOL_INLINE __m128i codes(size_t byte) const {
    return both(args.codes + first * args.panel_bytes() + byte, args.codes + second * args.panel_bytes() + byte);
  }
  QTOOL_INLINE __mmask16 columns() const {
    const size_t left = args.packing.n - first * kPanel;
    return static_cast<__mmask16>(left >= kLanes ? 0xffff : (1u << left) - 1);
  }
};

template <int kPairs>
struct Sums {
  __m512 y[kPairs];

  template <class Args>
  QTOOL_INLINE Sums(const Args& args, size_t panel) {
    for (int p = 0; p < kPairs; ++p) {
      const Pair<Args> pair(args, panel + 2 * static_cast<size_t>(p));
      y[p] = _mm512_maskz_loadu_ps(pair.columns(), args.start + pair.first * kPanel);
    }
  }
  template <class Args>
  QTOOL_INLINE void store(const Args& args, size_t panel) const {
    const __m512 lo = _mm512_set1_ps(args.lo), hi = _mm512_set1_ps(args.hi);
    for (int p = 0; p < kPairs; ++p) {
      const Pair<Args> pair(args, panel + 2 * static_cast<size_t>(p));
      _mm512_mask_storeu_ps(args.out + pair.first * kPanel, pair.columns(), _mm512_min_ps(hi, _mm512_max_ps(lo, y[p])));
    }
  }
};

template <int kPairs>
QTOOL_INLINE void add_group(const GemvBytesArgs& args, size_t panel, size_t group, size_t first, size_t last, Sums<kPairs>& sums) {
  __m512 scale[kPairs];
  for (int p = 0; p < kPairs; ++p) scale[p] = Pair(args, panel + 2 * static_cast<size_t>(p)).of_group(args.scale, group);
  for (size_t k = first; k < last; ++k) {
    const __m512 x = _mm512_set1_ps(args.in[k]);
    for (int p = 0; p < kPairs; ++p)
      sums.y[p] = _mm512_fmadd_ps(x, weights(Pair(args, panel + 2 * static_cast<size_t>(p)).codes(k * 8), scale[p]), sums.y[p]);
  }
}

template <int kPairs>
QTOOL_INLINE void add_group(const GemvNibblesArgs& args, size_t panel, size_t group, size_t first, size_t last, Sums<kPairs>& sums) {
  const __m128i low = _mm_set1_epi8(15);
  __m512 scale[kPairs];
  __m128i zero[kPairs];
  for (int p = 0; p < kPairs; ++p) {
    const Pair<GemvNibblesArgs> pair(args, panel + 2 * static_cast<size_t>(p));
    scale[p] = pair.of_group(args.scale, group), zero[p] = pair.of_group(args.zero, group);
  }
  size_t k = first;
  for (; k + 2 <= last; k += 2) {
    const __m512 even = _mm512_set1_ps(args.in[k]), odd = _mm512_set1_ps(args.in[k + 1]);
    for (int p = 0; p < kPairs; ++p) {
      const __m128i codes = Pair(args, panel + 2 * static_cast<size_t>(p)).codes(k * 4);
      sums.y[p] = _mm512_fmadd_ps(even, weights(_mm_sub_epi8(_mm_and_si128(codes, low), zero[p]), scale[p]), sums.y[p]);
      const __m128i high = _mm_and_si128(_mm_srli_epi16(codes, 4), low);
      sums.y[p] = _mm512_fmadd_ps(odd, weights(_mm_sub_epi8(high, zero[p]), scale[p]), sums.y[p]);
    }
  }
  if (k == last) return;
  for (int p = 0; p < kPairs; ++p) {
    const __m128i codes = _mm_and_si128(Pair(args, panel + 2 * static_cast<size_t>(p)).codes(k * 4), low);
    sums.y[p] = _mm512_fmadd_ps(_mm512_set1_ps(args.in[k]), weights(_mm_sub_epi8(codes, zero[p]), scale[p]), sums.y[p]);
  }
}

template <int kPairs, class Args>
void columns(const Args& args, size_t panel) {
  Sums<kPairs> sums(args, panel);
  for (size_t k = 0, group = 0; k < args.packing.depth; k += args.group, ++group)
    add_group(args, panel, group, k, std::min(k + args.group, args.packing.depth), sums);
  sums.store(args, panel);
}

template <class Args>
void gemv(const Args& args) {
  using Columns = void(const Args&, size_t);
  constexpr Columns* kColumns[] = {columns<1, Args>, columns<2, Args>, columns<3, Args>, columns<4, Args>};
  const size_t panels = args.packing.panels();
  for (size_t panel = 0; panel < panels; panel += 8) kColumns[(std::min<size_t>(8, panels - panel) - 1) / 2](args, panel);
}

}  // namespace

void gemv_bytes_avx512(const GemvBytesArgs& args) { gemv(args); }
void gemv_nibbles_avx512(const GemvNibblesArgs& args) { gemv(args); }

}  // namespace qtool::kernels
