// Four rows of 16 channels are interleaved to [channel][row] in one register, which vpdpbusd multiplies with a column of the weights. A
// column of the input is interleaved once and used by all outputs of a tile that cover it: 4 pixels of 1 or 2 rows.
#include <immintrin.h>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

#define QTOOL_INLINE __attribute__((always_inline)) inline

constexpr size_t kLanes = 16, kTile = 4;

/// From two registers that hold 16 codes of rows 0 and 1, and of rows 2 and 3, in their low halves.
__m512i interleaving() {
  alignas(64) uint8_t index[64];
  for (int c = 0; c < 16; ++c)
    for (int r = 0; r < 4; ++r) index[4 * c + r] = static_cast<uint8_t>(64 * (r / 2) + 16 * (r % 2) + c);
  return _mm512_load_si512(index);
}

/// The input of 16 channels (fewer where there are no 16: then the codes behind are not read).
template <size_t kGroups, bool kFew>
struct Columns {
  Columns(const DepthwiseArgs& args, size_t channel)
      : interleave(interleaving()),
        flip(_mm512_set1_epi8(static_cast<char>(args.flip))),
        outside(_mm512_set1_epi8(static_cast<char>(args.zero_point))),
        some(static_cast<__mmask16>((1u << std::min<size_t>(args.channels, 15)) - 1)),
        step(args.channels),
        width(args.in_width) {
    for (size_t r = 0; r < 4 * kGroups; ++r) rows[r] = args.rows[r] + channel;
  }

  QTOOL_INLINE __m128i load(const uint8_t* from) const {
    return kFew ? _mm_maskz_loadu_epi8(some, from) : _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  }
  QTOOL_INLINE __m512i pair(size_t r, size_t offset) const {
    const __m256i first = _mm256_castsi128_si256(load(rows[r] + offset));
    return _mm512_castsi256_si512(_mm256_inserti128_si256(first, load(rows[r + 1] + offset), 1));
  }
  /// Rows 4 g .. 4 g + 3 of a pixel inside.
  QTOOL_INLINE __m512i operator()(size_t g, size_t pixel) const {
    const size_t offset = pixel * step;
    return _mm512_xor_si512(_mm512_permutex2var_epi8(pair(4 * g, offset), interleave, pair(4 * g + 2, offset)), flip);
  }
  /// The same for any pixel: those left of the first wrap around to beyond the last.
  QTOOL_INLINE __m512i checked(size_t g, size_t pixel) const { return pixel < width ? (*this)(g, pixel) : outside; }

  __m512i interleave, flip, outside;
  __mmask16 some;
  size_t step, width;
  const uint8_t* rows[4 * kGroups];
};

/// From accumulators to codes.
struct Output {
  Output(const DepthwiseArgs& args, size_t channel)
      : scale(_mm512_loadu_ps(args.scale + channel)),
        shift(_mm512_loadu_ps(args.shift + channel)),
        base(args.hi > 127 ? 128 : 0),
        zero_point(_mm512_set1_epi16(static_cast<short>(args.out_zero_point - base))),
        lo(_mm512_set1_epi8(static_cast<char>(args.lo - base))),
        hi(_mm512_set1_epi8(static_cast<char>(args.hi - base))),
        flip(_mm512_set1_epi8(static_cast<char>(base))),
        table(args.table) {}

  QTOOL_INLINE __m512i rounded(__m512i acc) const { return _mm512_cvtps_epi32(_mm512_fmadd_ps(_mm512_cvtepi32_ps(acc), scale, shift)); }

  /// 16 codes of each of four pixels.
  QTOOL_INLINE __m512i operator()(__m512i p0, __m512i p1, __m512i p2, __m512i p3) const {
    const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(rounded(p0), rounded(p1)), zero_point);
    const __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(rounded(p2), rounded(p3)), zero_point);
    const __m512i bounded = _mm512_min_epi8(_mm512_max_epi8(_mm512_packs_epi16(low, high), lo), hi);
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i codes = _mm512_xor_si512(_mm512_permutexvar_epi32(order, bounded), flip);
    return table ? looked_up(codes) : codes;
  }

  QTOOL_INLINE __m512i looked_up(__m512i codes) const {
    const auto quarter = [this](int q) { return _mm512_loadu_si512(table + 64 * q); };
    const __m512i low = _mm512_permutex2var_epi8(quarter(0), codes, quarter(1));
    const __m512i high = _mm512_permutex2var_epi8(quarter(2), codes, quarter(3));
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(codes), low, high);
  }

  __m512 scale, shift;
  int base;
  __m512i zero_point, lo, hi, flip;
  const uint8_t* table;
};

/// A block of 16 channels of kRows output rows, the window kWidth wide.
template <size_t kWidth, size_t kStride, size_t kGroups, size_t kRows, bool kFew>
struct Block {
  static constexpr size_t kSpan = (kTile - 1) * kStride + kWidth;  ///< pixels a tile reads

  Block(const DepthwiseArgs& a, size_t c, const int8_t* w)
      : args(a), channel(c), columns(a, c), output(a, c), weights(w), start(_mm512_loadu_si512(a.start + c)) {}

  QTOOL_INLINE __m512i weight(size_t t, size_t kx, size_t g) const {
    return _mm512_loadu_si512(weights + ((t * kWidth + kx) * kGroups + g) * 64);
  }

  template <bool kEdge>
  QTOOL_INLINE void tile(size_t x) const {
    __m512i acc[kRows][kTile];
    for (size_t t = 0; t < kRows; ++t)
      for (size_t p = 0; p < kTile; ++p) acc[t][p] = start;
    const size_t first = x * kStride - args.left;
#pragma GCC unroll 16
    for (size_t j = 0; j < kSpan; ++j)
#pragma GCC unroll 2
      for (size_t g = 0; g < kGroups; ++g) {
        const __m512i codes = kEdge ? columns.checked(g, first + j) : columns(g, first + j);
#pragma GCC unroll 4
        for (size_t p = 0; p < kTile; ++p) {
          if (j < p * kStride || j - p * kStride >= kWidth) continue;
#pragma GCC unroll 2
          for (size_t t = 0; t < kRows; ++t) acc[t][p] = _mm512_dpbusd_epi32(acc[t][p], codes, weight(t, j - p * kStride, g));
        }
      }
#pragma GCC unroll 2
    for (size_t t = 0; t < kRows; ++t) store(t, x, output(acc[t][0], acc[t][1], acc[t][2], acc[t][3]));
  }

  QTOOL_INLINE void store(size_t t, size_t x, __m512i codes) const {
    uint8_t* to = args.out[t] + x * args.channels + channel;
    const auto put = [&](size_t p, __m128i pixel) {
      uint8_t* at = to + p * args.channels;
      kFew ? _mm_mask_storeu_epi8(at, columns.some, pixel) : _mm_storeu_si128(reinterpret_cast<__m128i*>(at), pixel);
    };
    put(0, _mm512_castsi512_si128(codes));
    put(1, _mm512_extracti32x4_epi32(codes, 1));
    put(2, _mm512_extracti32x4_epi32(codes, 2));
    put(3, _mm512_extracti32x4_epi32(codes, 3));
  }

  void run() const {
    for (size_t next = 0; next < args.out_width; next += kTile) {
      const size_t x = std::min(next, args.out_width - kTile), first = x * kStride;
      if (first < args.left || first - args.left + kSpan > args.in_width)
        tile<true>(x);
      else
        tile<false>(x);
    }
  }

  const DepthwiseArgs& args;
  size_t channel;
  Columns<kGroups, kFew> columns;
  Output output;
  const int8_t* weights;
  __m512i start;
};

/// Any window, pixel by pixel.
template <size_t kGroups, bool kFew>
void any_block(const DepthwiseArgs& args, size_t channel, const int8_t* weights) {
  const Columns<kGroups, kFew> columns(args, channel);
  const Output output(args, channel);
  const __mmask16 lanes = kFew ? columns.some : static_cast<__mmask16>(0xFFFF);
  for (size_t t = 0; t < args.out_rows; ++t, weights += args.kw * kGroups * 64)
    for (size_t x = 0; x < args.out_width; ++x) {
      __m512i acc = _mm512_loadu_si512(args.start + channel);
      for (size_t kx = 0; kx < args.kw; ++kx)
        for (size_t g = 0; g < kGroups; ++g)
          acc = _mm512_dpbusd_epi32(acc, columns.checked(g, x * args.stride + kx * args.dilation - args.left),
                                    _mm512_loadu_si512(weights + (kx * kGroups + g) * 64));
      _mm_mask_storeu_epi8(args.out[t] + x * args.channels + channel, lanes, _mm512_castsi512_si128(output(acc, acc, acc, acc)));
    }
}

/// Calls body(first channel, weights) for every block.
template <class Body>
void for_blocks(const DepthwiseArgs& args, const Body& body) {
  const size_t block_size = args.shifts * args.kw * args.groups * 64;
  const int8_t* weights = args.weights;
  for (size_t c = 0; c < args.channels; c += kLanes, weights += block_size)
    body(args.channels < kLanes ? 0 : std::min(c, args.channels - kLanes), weights);
}

template <size_t kWidth, size_t kStride, size_t kGroups, size_t kRows>
void run_blocks(const DepthwiseArgs& args) {
  if constexpr (kWidth == 3)
    if (args.channels < kLanes) return Block<kWidth, kStride, kGroups, kRows, true>(args, 0, args.weights).run();
  for_blocks(args, [&](size_t c, const int8_t* weights) { Block<kWidth, kStride, kGroups, kRows, false>(args, c, weights).run(); });
}

template <size_t kWidth>
void run_width(const DepthwiseArgs& args) {
  constexpr size_t kGroups = (kWidth + 3) / 4;
  if (args.out_rows == 2) return args.stride == 1 ? run_blocks<kWidth, 1, kGroups, 2>(args) : run_blocks<kWidth, 2, kGroups, 2>(args);
  args.stride == 1 ? run_blocks<kWidth, 1, kGroups, 1>(args) : run_blocks<kWidth, 2, kGroups, 1>(args);
}

template <size_t kGroups>
void run_any(const DepthwiseArgs& args) {
  for_blocks(args, [&](size_t c, const int8_t* weights) {
    args.channels < kLanes ? any_block<kGroups, true>(args, c, weights) : any_block<kGroups, false>(args, c, weights);
  });
}

bool suits_tiles(const DepthwiseArgs& args) {
  return (args.kw == 3 || args.kw == 5 || args.kw == 7) && args.groups == (args.kw + 3) / 4 && args.stride <= 2 && args.dilation == 1 &&
         (args.channels >= kLanes || args.kw == 3) && args.out_width >= kTile;
}

void once(const DepthwiseArgs& args) {
  if (!suits_tiles(args)) return args.groups == 1 ? run_any<1>(args) : run_any<2>(args);
  if (args.kw == 3) return run_width<3>(args);
  args.kw == 5 ? run_width<5>(args) : run_width<7>(args);
}

}  // namespace

void depthwise_avx512vbmi(const DepthwiseArgs& args) {
  for (size_t i = 0; i < args.times; ++i) once(args.at(i));
}

}  // namespace qtool::kernels
