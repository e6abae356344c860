// A code and a 23-bit multiplier in one vpdpwssd: with multiplier = 256 high + low and the words {x, 256 (x - 128)} of x,
// x * multiplier = x * low + 256 (x - 128) * high + 2^15 high.
#include <immintrin.h>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

#define QTOOL_INLINE __attribute__((always_inline)) inline

constexpr size_t kBlock = 64;
constexpr size_t kPixels = 16;  ///< that use what a block of channels has loaded

/// Byte positions that bring 16 channels (in the order of affine_index) into the outer bytes of 16 words pairs.
struct Spread {
  Spread() {
    alignas(64) uint8_t index[64] = {};
    for (int part = 0; part < 4; ++part) {
      for (int lane = 0; lane < 16; ++lane) {
        const int channel = part / 2 * 8 + (part % 2 * 2 + lane / 8) * 16 + lane % 8;
        index[4 * lane] = static_cast<uint8_t>(channel), index[4 * lane + 3] = static_cast<uint8_t>(64 + channel);
      }
      parts[part] = _mm512_load_si512(index);
    }
    alignas(64) uint16_t high[32];
    for (int i = 0; i < 32; ++i) high[i] = static_cast<uint16_t>(2 * i + 1);
    words = _mm512_load_si512(high);
  }
  __m512i parts[4], words;
};

/// The lines of 64 channels.
struct Lines {
  Lines(const AffineArgs& args, size_t c, int32_t base) {
    const __m512i round = _mm512_set1_epi32(128), based = _mm512_set1_epi32(base << args.shift);
    for (size_t part = 0; part < 4; ++part) {
      const __m512i m = _mm512_loadu_si512(args.multiplier + c + 16 * part);
      const __m512i high = _mm512_srai_epi32(_mm512_add_epi32(m, round), 8), low = _mm512_sub_epi32(m, _mm512_slli_epi32(high, 8));
      factors[part] = _mm512_mask_blend_epi16(0xAAAAAAAA, low, _mm512_slli_epi32(high, 16));
      const __m512i start = _mm512_sub_epi32(_mm512_loadu_si512(args.offset + c + 16 * part), based);
      starts[part] = _mm512_add_epi32(start, _mm512_slli_epi32(high, 15));
    }
  }
  __m512i factors[4], starts[4];
};

struct Output {
  Output(const AffineArgs& args)
      : base(args.hi > 127 ? 128 : 0),
        flip(_mm512_set1_epi8(static_cast<char>(args.flip))),
        top(_mm512_set1_epi8(static_cast<char>(args.flip ^ 0x80))),
        lo(_mm512_set1_epi8(static_cast<char>(args.lo - base))),
        hi(_mm512_set1_epi8(static_cast<char>(args.hi - base))),
        back(_mm512_set1_epi8(static_cast<char>(base))),
        shift(_mm_cvtsi32_si128(args.shift - 16)) {}

  QTOOL_INLINE __m512i operator()(__m512i codes, const Lines& lines) const {
    const __m512i x = _mm512_xor_si512(codes, flip), centred = _mm512_xor_si512(codes, top);
    __m512i v[4];
    for (int part = 0; part < 4; ++part) {
      const __m512i words = _mm512_maskz_permutex2var_epi8(0x9999999999999999, x, spread.parts[part], centred);
      v[part] = _mm512_dpwssd_epi32(lines.starts[part], words, lines.factors[part]);
    }
    const __m512i low = _mm512_sra_epi16(_mm512_permutex2var_epi16(v[0], spread.words, v[1]), shift);
    const __m512i high = _mm512_sra_epi16(_mm512_permutex2var_epi16(v[2], spread.words, v[3]), shift);
    return _mm512_xor_si512(_mm512_min_epi8(_mm512_max_epi8(_mm512_packs_epi16(low, high), lo), hi), back);
  }

  Spread spread;
  int32_t base;
  __m512i flip, top, lo, hi, back;
  __m128i shift;
};

}  // namespace

void affine_avx512vbmi(const AffineArgs& args) {
  const Output output(args);
  for (size_t p = 0; p < args.pixels; p += kPixels)
    for (size_t c = 0; c < args.channels; c += kBlock) {
      const Lines lines(args, c, output.base);
      const size_t rest = args.channels - c, last = args.pixels - p < kPixels ? args.pixels : p + kPixels;
      const __mmask64 mask = rest < kBlock ? (__mmask64{1} << rest) - 1 : ~__mmask64{0};
      for (size_t i = p; i < last; ++i) {
        const size_t at = i * args.channels + c;
        if (rest >= kBlock)
          _mm512_storeu_si512(args.out + at, output(_mm512_loadu_si512(args.in + at), lines));
        else
          _mm512_mask_storeu_epi8(args.out + at, mask, output(_mm512_maskz_loadu_epi8(mask, args.in + at), lines));
      }
    }
}

}  // namespace qtool::kernels
