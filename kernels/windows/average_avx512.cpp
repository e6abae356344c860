#include <immintrin.h>

#include "kernels/windows/average.inl"

namespace qtool::kernels {
namespace {

/// i32 sums of 64 channels as u8: lane l of part j is channel 16 (l / 4) + 4 j + l % 4, the order of unpacking.
struct Sums {
  __m512i parts[4];
};

size_t channel_of(size_t part, size_t lane) { return lane / 4 * 16 + part * 4 + lane % 4; }

/// 64 channels of a tap; those beyond n are the zero point.
template <bool kFull>
struct Taps {
  Taps(const AverageArgs& args, size_t from_channel, size_t n)
      : from(args.first + from_channel),
        mask(kFull ? ~__mmask64{0} : (__mmask64{1} << n) - 1),
        flip(_mm512_set1_epi8(args.is_signed ? static_cast<char>(0x80) : 0)),
        zero(_mm512_set1_epi8(static_cast<char>(args.zero_point))) {}

  __m512i operator()(const void* tap) const {
    const uint8_t* at = static_cast<const uint8_t*>(tap) + from;
    return _mm512_xor_si512(kFull ? _mm512_loadu_si512(at) : _mm512_mask_loadu_epi8(zero, mask, at), flip);
  }

  size_t from;
  __mmask64 mask;
  __m512i flip, zero;
};

/// 16-bit sums hold 256 taps.
template <bool kFull>
Sums sums_of(const AverageArgs& args, const Taps<kFull>& taps) {
  const __m512i none = _mm512_setzero_si512();
  Sums sums{{none, none, none, none}};
  for (size_t first = 0; first < args.count; first += 256) {
    __m512i low = none, high = none;
    for (size_t t = first; t < std::min(args.count, first + 256); ++t) {
      const __m512i codes = taps(args.taps[t]);
      low = _mm512_add_epi16(low, _mm512_unpacklo_epi8(codes, none));
      high = _mm512_add_epi16(high, _mm512_unpackhi_epi8(codes, none));
    }
    sums.parts[0] = _mm512_add_epi32(sums.parts[0], _mm512_unpacklo_epi16(low, none));
    sums.parts[1] = _mm512_add_epi32(sums.parts[1], _mm512_unpackhi_epi16(low, none));
    sums.parts[2] = _mm512_add_epi32(sums.parts[2], _mm512_unpacklo_epi16(high, none));
    sums.parts[3] = _mm512_add_epi32(sums.parts[3], _mm512_unpackhi_epi16(high, none));
  }
  return sums;
}

/// From sums to codes in steps of the output: within `doubt` of where the formula puts them, as long as a step is at least a 16th of an
/// input's and sums are below 2^24. Lanes that close to a tie are told.
struct Steps {
  explicit Steps(const AverageArgs& args)
      : factor(_mm512_set1_ps(static_cast<float>(args.scale / (args.divisor * args.out_scale)))),
        offset(_mm512_set1_epi32(static_cast<int32_t>(args.count) * (args.zero_point + (args.is_signed ? 128 : 0)))),
        certain(_mm512_set1_ps(0.5f - 0x1p-13f * (1 + args.scale / args.out_scale))),
        base(args.hi > 127 ? 128 : 0),
        zero_point(_mm512_set1_epi16(static_cast<short>(args.out_zero_point - base))),
        lo(_mm512_set1_epi8(static_cast<char>(args.lo - base))),
        hi(_mm512_set1_epi8(static_cast<char>(args.hi - base))),
        flip(_mm512_set1_epi8(static_cast<char>(base))) {}

  /// Rounded steps in place of sums; returns the lanes in doubt, 16 bits a part.
  uint64_t round(Sums& sums) const {
    uint64_t doubtful = 0;
    for (int part = 0; part < 4; ++part) {
      const __m512 steps = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_sub_epi32(sums.parts[part], offset)), factor);
      const __m512 off = _mm512_abs_ps(_mm512_reduce_ps(steps, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
      doubtful |= static_cast<uint64_t>(_mm512_cmp_ps_mask(off, certain, _CMP_GT_OQ)) << (16 * part);
      sums.parts[part] = _mm512_cvtps_epi32(steps);
    }
    return doubtful;
  }
  __m512i codes(const Sums& sums) const {
    const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(sums.parts[0], sums.parts[1]), zero_point);
    const __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(sums.parts[2], sums.parts[3]), zero_point);
    return _mm512_xor_si512(_mm512_min_epi8(_mm512_max_epi8(_mm512_packs_epi16(low, high), lo), hi), flip);
  }

  __m512 factor;
  __m512i offset;
  __m512 certain;
  int base;
  __m512i zero_point, lo, hi, flip;
};

/// `spills`: the bytes behind the n may be written too. (Stores under a mask are slow.)
template <bool kFull>
void average_64(const AverageArgs& args, const Steps& steps, size_t from, size_t n, bool spills) {
  const Taps<kFull> taps(args, from, n);
  Sums sums = sums_of(args, taps);
  uint64_t doubtful = steps.round(sums);
  uint8_t* out = static_cast<uint8_t*>(args.out) + from;
  kFull || spills ? _mm512_storeu_si512(out, steps.codes(sums)) : _mm512_mask_storeu_epi8(out, taps.mask, steps.codes(sums));
  for (; doubtful; doubtful &= doubtful - 1) {
    const auto bit = static_cast<size_t>(__builtin_ctzll(doubtful));
    const size_t c = from + channel_of(bit / 16, bit % 16);
    args.is_signed ? average_block<int8_t, uint8_t>(args, c, 1) : average_block<uint8_t, uint8_t>(args, c, 1);
  }
}

}  // namespace

void average_avx512(const AverageArgs& args) {
  const bool exact = args.scale <= 16 * args.out_scale && args.count < 65536 && static_cast<double>(args.count) <= args.divisor;
  if (args.is_float || !exact) return average_any(args);
  const Steps steps(args);
  size_t behind = args.row.out_step == args.n ? args.row.windows * args.n : 0;  // what later windows of the row write
  each_window(args, [&](const AverageArgs& window) {
    behind -= std::min(behind, window.n);
    size_t from = 0;
    for (; from + 64 <= window.n; from += 64) average_64<true>(window, steps, from, 64, false);
    if (from < window.n) average_64<false>(window, steps, from, window.n - from, behind >= 64);
  });
}

}  // namespace qtool::kernels
