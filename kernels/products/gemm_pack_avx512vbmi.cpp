// Panels of sixteen columns, four neighbours of the depth side by side: the tile of gemm_u8_avx512vbmi. Other tiles are left to the scalar
// twin, and so are columns too far apart for a gather.
#include <immintrin.h>

#include <algorithm>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

constexpr size_t kColumns = 16, kDeep = 4;

struct Panel {
  const GemmPackArgs& args;
  const uint8_t* b;  ///< where the panel's first column begins
  const size_t columns;
  const __mmask16 mask;
  const __m512i places;  ///< step_k 1: offsets of the columns

  Panel(const GemmPackArgs& args, size_t panel)
      : args(args),
        b(args.b + panel * kColumns * args.step_n),
        columns(std::min(kColumns, args.packing.n - panel * kColumns)),
        mask(static_cast<__mmask16>((1u << columns) - 1)),
        places(_mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                                  _mm512_set1_epi32(static_cast<int32_t>(args.step_n)))) {}

  /// Packs all taps to `out`; returns the sums of the columns.
  __m512i pack(int8_t* out) const {
    __m512i sums = _mm512_setzero_si512();
    for (size_t t = 0; t < args.packing.taps; ++t)
      for (size_t k = 0; k < args.packing.depth; k += kDeep, out += kColumns * kDeep) {
        const __m512i four = load(b + t * args.step_t + k * args.step_k, std::min(kDeep, args.packing.depth - k));
        _mm512_storeu_si512(out, four);
        sums = _mm512_dpbusd_epi32(sums, _mm512_set1_epi8(1), four);
      }
    return sums;
  }

 private:
  __m512i load(const uint8_t* from, size_t deep) const {
    if (args.step_n == 1) return rows(from, deep);
    return args.step_k == 1 && deep == kDeep ? words(from) : bytes(from, deep);
  }

  /// A word of each column.
  __m512i words(const uint8_t* from) const {
    const __m512i found = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), mask, places, from, 1);
    return _mm512_maskz_xor_epi32(mask, found, _mm512_set1_epi8(static_cast<char>(args.flip)));
  }

  /// A row of each of up to four neighbours.
  __m512i rows(const uint8_t* from, size_t deep) const {
    const __m128i flip = _mm_set1_epi8(static_cast<char>(args.flip));
    __m128i row[kDeep];
    for (size_t k = 0; k < kDeep; ++k) {
      const auto valid = k < deep ? mask : __mmask16{0};
      row[k] = _mm_maskz_mov_epi8(valid, _mm_xor_si128(_mm_maskz_loadu_epi8(valid, from + k * args.step_k), flip));
    }
    const __m128i low01 = _mm_unpacklo_epi8(row[0], row[1]), low23 = _mm_unpacklo_epi8(row[2], row[3]),
                  high01 = _mm_unpackhi_epi8(row[0], row[1]), high23 = _mm_unpackhi_epi8(row[2], row[3]);
    const __m256i low = _mm256_set_m128i(_mm_unpackhi_epi16(low01, low23), _mm_unpacklo_epi16(low01, low23)),
                  high = _mm256_set_m128i(_mm_unpackhi_epi16(high01, high23), _mm_unpacklo_epi16(high01, high23));
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
  }

  __m512i bytes(const uint8_t* from, size_t deep) const {
    alignas(64) uint8_t all[kColumns * kDeep] = {};
    for (size_t c = 0; c < columns; ++c)
      for (size_t k = 0; k < deep; ++k) all[c * kDeep + k] = from[c * args.step_n + k * args.step_k] ^ args.flip;
    return _mm512_load_si512(all);
  }
};

}  // namespace

void gemm_pack_avx512vbmi(const GemmPackArgs& args) {
  const GemmPacking& packing = args.packing;
  if (packing.tile.nr != kColumns || packing.tile.kr != kDeep || packing.tile.unit != kDeep || args.step_n > size_t{1} << 26)
    return gemm_pack_scalar(args);
  for (size_t panel = 0; panel < packing.panels(); ++panel) {
    const __m512i sums = Panel(args, panel).pack(args.packed + panel * packing.panel_size());
    if (args.sums) _mm512_storeu_si512(args.sums + panel * kColumns, sums);
  }
}

}  // namespace qtool::kernels
