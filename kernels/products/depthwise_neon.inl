// What the NEON variants of depthwise share. The columns of a piece of the row are laid side by side in a buffer, padding included, so
// that each is arranged once for all windows that cover it; a level's Core arranges and multiplies:
//   static bool walk(args, channel, weights, alone)                          does a block of 16 channels in a way of its own but for
//                                                                            the times it calls `alone` for; or says no
//   Core(const DepthwiseArgs&, size_t channel, const int8_t* weights)        for 16 channels of one block
//   void arrange(const int8x16_t (&rows)[4], int8_t* to) const               four rows of a column to 64 bytes
//   void by_way(bool full, const Use& use) const                             use(way), way being how tiles are done with these weights:
//   way.template tile<kPixels>(const int8_t* columns, const Output& output, size_t x)
//   static constexpr size_t kMostPixels     of a tile: 2 or 4
#include <arm_neon.h>

#include <algorithm>
#include <cstring>

#include "kernels/elementwise/table_neon.inl"
#include "kernels/registry.h"

#define QTOOL_INLINE __attribute__((always_inline)) inline

namespace qtool::kernels {
namespace {

constexpr size_t kLanes = 16, kColumnBytes = 64, kMostColumns = 128;

/// From accumulators to codes of 16 channels. Codes are kept as s8 until the end: those of u8 are 128 lower. kFew: there are fewer
/// than 16 channels, and no more are written.
template <bool kFew>
struct Output {
  Output(const DepthwiseArgs& args, size_t channel)
      : step(args.channels), few(args.channels), scale(args.scale + channel), shift(args.shift + channel) {
    const int base = args.hi > 127 ? 128 : 0;
    zero_point = vdupq_n_s16(static_cast<int16_t>(args.out_zero_point - base));
    lo = vdupq_n_s8(static_cast<int8_t>(args.lo - base)), hi = vdupq_n_s8(static_cast<int8_t>(args.hi - base));
    flip = vdupq_n_u8(static_cast<uint8_t>(base));
    for (size_t t = 0; t < args.out_rows; ++t) out[t] = args.out[t] + channel;
    full = args.lo - base == -128 && args.hi - base == 127;
  }
  void next(size_t bytes) {
    for (auto& row : out) row = row ? row + bytes : nullptr;
  }

  QTOOL_INLINE int32x4_t rounded(int32x4_t acc, size_t quarter) const {
    return vcvtnq_s32_f32(vfmaq_f32(vld1q_f32(shift + 4 * quarter), vcvtq_f32_s32(acc), vld1q_f32(scale + 4 * quarter)));
  }
  /// Channels 8 half .. 8 half + 7 of two pixels or of one (then `second` is anything and `pair` false).
  template <bool kFull>
  QTOOL_INLINE void store(uint8_t* to, size_t half, int16x8_t first, int16x8_t second, bool pair) const {
    const int8x16_t steps = vqmovn_high_s16(vqmovn_s16(vqaddq_s16(first, zero_point)), vqaddq_s16(second, zero_point));
    const uint8x16_t codes = veorq_u8(vreinterpretq_u8_s8(kFull ? steps : vminq_s8(vmaxq_s8(steps, lo), hi)), flip);
    put(to + 8 * half, vget_low_u8(codes), half);
    if (pair) put(to + step + 8 * half, vget_high_u8(codes), half);
  }
  /// All channels of a pixel. kFull: s8 or u8 with all their codes as bounds.
  template <bool kFull>
  QTOOL_INLINE uint8x16_t pixel(const int32x4_t (&acc)[4]) const {
    int16x8_t steps[2];
    for (size_t h = 0; h < 2; ++h)
      steps[h] = vqaddq_s16(vqmovn_high_s32(vqmovn_s32(rounded(acc[2 * h], 2 * h)), rounded(acc[2 * h + 1], 2 * h + 1)), zero_point);
    return bounded<kFull>(vqmovn_high_s16(vqmovn_s16(steps[0]), steps[1]));
  }
  template <bool kFull>
  QTOOL_INLINE uint8x16_t bounded(int8x16_t codes) const {
    if (!kFull) codes = vminq_s8(vmaxq_s8(codes, lo), hi);
    return veorq_u8(vreinterpretq_u8_s8(codes), flip);
  }
  QTOOL_INLINE void store_pixel(uint8_t* to, uint8x16_t bytes) const {
    if (!kFew) return vst1q_u8(to, bytes);
    uint8_t all[kLanes];
    vst1q_u8(all, bytes);
    std::memcpy(to, all, few);
  }
  QTOOL_INLINE void put(uint8_t* to, uint8x8_t codes, size_t half) const {
    if (!kFew) return vst1_u8(to, codes);
    uint8_t bytes[8];
    vst1_u8(bytes, codes);
    if (few > 8 * half) std::memcpy(to, bytes, std::min<size_t>(8, few - 8 * half));
  }

  size_t step, few;
  const float *scale, *shift;
  int16x8_t zero_point;
  int8x16_t lo, hi;
  uint8x16_t flip;
  uint8_t* out[2] = {};
  bool full;
};

/// Codes of the input as s8: kFlip where they are u8 in memory. kFew: there are fewer than 16 channels, and no more are read.
template <bool kFew, bool kFlip>
struct Input {
  Input(const DepthwiseArgs& args, size_t c)
      : channel(c),
        few(args.channels),
        step(args.channels),
        width(args.in_width),
        rows(args.rows),
        flip(vdupq_n_s8(static_cast<int8_t>(args.flip ^ 0x80))),
        outside(vdupq_n_s8(static_cast<int8_t>(args.zero_point ^ 0x80))) {}

  QTOOL_INLINE int8x16_t load(const uint8_t* from) const {
    if (!kFew)
      return kFlip ? veorq_s8(vld1q_s8(reinterpret_cast<const int8_t*>(from)), flip) : vld1q_s8(reinterpret_cast<const int8_t*>(from));
    int8_t bytes[kLanes] = {};
    std::memcpy(bytes, from, few);
    return veorq_s8(vld1q_s8(bytes), flip);
  }

  /// n columns from `first` on, all inside or all outside.
  template <class Core, size_t kGroups, bool kInside>
  QTOOL_INLINE void piece(const Core& core, size_t g, size_t first, size_t n, int8_t* to) const {
    const uint8_t* from[4];
    for (size_t r = 0; r < 4; ++r) from[r] = rows[4 * g + r] + channel;
    size_t at = kInside ? first * step : 0;
    for (size_t j = 0; j < n; ++j, to += kGroups * kColumnBytes, at += step) {
      int8x16_t codes[4];
      for (size_t r = 0; r < 4; ++r) codes[r] = kInside ? load(from[r] + at) : outside;
      core.arrange(codes, to);
    }
  }

  /// Columns first .. first + n - 1 to the buffer; those left of the first have wrapped around to beyond the last.
  template <class Core, size_t kGroups>
  QTOOL_INLINE void fill(const Core& core, size_t first, size_t n, int8_t* to) const {
    const size_t before = first < width ? 0 : std::min(n, size_t{0} - first);  // a piece wholly behind wraps around nowhere near zero
    const size_t start = first + before, inside = start < width ? std::min(n - before, width - start) : 0;
    for (size_t g = 0; g < kGroups; ++g) {
      int8_t* at = to + g * kColumnBytes;
      piece<Core, kGroups, false>(core, g, 0, before, at);
      at += before * kGroups * kColumnBytes;
      piece<Core, kGroups, true>(core, g, start, inside, at);
      piece<Core, kGroups, false>(core, g, 0, n - before - inside, at + inside * kGroups * kColumnBytes);
    }
  }

  size_t channel, few, step, width;
  const uint8_t* const* rows;
  int8x16_t flip, outside;
};

/// Tiles of four pixels where the core takes so many, then two, then one; of seven pixels two of four, which share one.
template <class Core, class Way, class Output>
QTOOL_INLINE void tiles(const Way& way, const int8_t* columns, size_t pixel_bytes, const Output& output, size_t x, size_t n) {
  size_t p = 0;
  for (; Core::kMostPixels == 4 && p + 4 <= n; p += p + 7 == n ? 3 : 4) way.template tile<4>(columns + p * pixel_bytes, output, x + p);
  for (; p + 2 <= n; p += 2) way.template tile<2>(columns + p * pixel_bytes, output, x + p);
  if (p < n) way.template tile<1>(columns + p * pixel_bytes, output, x + p);
}

template <class Core, size_t kGroups, bool kFew, bool kFlip>
void run_columns(const DepthwiseArgs& args, size_t channel, const int8_t* weights) {
  const Core core(args, channel, weights);
  Output<kFew> output(args, channel);
  Input<kFew, kFlip> input(args, channel);
  alignas(64) int8_t columns[kMostColumns * kColumnBytes];
  const size_t window = (args.kw - 1) * args.dilation + 1, most = (kMostColumns / kGroups - window) / args.stride + 1;
  core.by_way(output.full, [&](const auto& way) {
    for (size_t time = 0; time < args.times; ++time, input.rows += 4 * kGroups, output.next(args.out_step))
      for (size_t x = 0; x < args.out_width; x += most) {
        const size_t n = std::min(most, args.out_width - x);
        input.template fill<Core, kGroups>(core, x * args.stride - args.left, (n - 1) * args.stride + window, columns);
        tiles<Core>(way, columns, args.stride * kGroups * kColumnBytes, output, x, n);
      }
  });
}

template <class Core, size_t kGroups, bool kFew, bool kFlip>
void run_block(const DepthwiseArgs& args, size_t channel, const int8_t* weights) {
  const auto by_columns = [&](const DepthwiseArgs& some) { run_columns<Core, kGroups, kFew, kFlip>(some, channel, weights); };
  if (kFew || !Core::walk(args, channel, weights, by_columns)) by_columns(args);
}

/// Every block of 16 channels. kPlain: codes in memory may be s8, which need no flip.
template <class Core, size_t kGroups, bool kPlain>
void run_blocks(const DepthwiseArgs& args) {
  const size_t block_size = args.shifts * args.kw * kGroups * kColumnBytes;
  const int8_t* weights = args.weights;
  for (size_t c = 0; c < args.channels; c += kLanes, weights += block_size)
    if (kPlain && args.flip != 0)
      run_block<Core, kGroups, false, false>(args, std::min(c, args.channels - kLanes), weights);
    else
      run_block<Core, kGroups, false, true>(args, std::min(c, args.channels - kLanes), weights);
}

/// A window of width 3 or 5 with small steps has a core of its own, others, and fewer than 16 channels, share one; windows wider than the
/// buffer are left to the scalar twin.
template <template <size_t, size_t, size_t, size_t> class Core, size_t kGroups, size_t kRows>
void run_rows(const DepthwiseArgs& args) {
  using Any = Core<kGroups, kRows, 0, 0>;
  const bool dense = args.dilation == 1, one = args.stride == 1, two = args.stride == 2;
  constexpr size_t kUsual = kGroups == 1 ? 3 : 5;
  if (args.channels < kLanes) return run_block<Any, kGroups, true, true>(args, 0, args.weights);
  if (dense && one && args.kw == kUsual) return run_blocks<Core<kGroups, kRows, kUsual, 1>, kGroups, true>(args);
  if (dense && two && args.kw == kUsual) return run_blocks<Core<kGroups, kRows, kUsual, 2>, kGroups, true>(args);
  run_blocks<Any, kGroups, false>(args);
}

template <template <size_t, size_t, size_t, size_t> class Core>
void run_any(const DepthwiseArgs& args) {
  if ((args.kw - 1) * args.dilation >= kMostColumns / args.groups) return depthwise_scalar(args);
  if (args.groups == 1)
    args.out_rows == 2 ? run_rows<Core, 1, 2>(args) : run_rows<Core, 1, 1>(args);
  else
    args.out_rows == 2 ? run_rows<Core, 2, 2>(args) : run_rows<Core, 2, 1>(args);
  if (!args.table) return;
  const Table table(args.table);
  for (size_t time = 0; time < args.times; ++time)
    for (size_t t = 0; t < args.out_rows; ++t) {
      uint8_t* row = args.out[t] + time * args.out_step;
      table.map(row, row, args.out_width * args.channels);
    }
}

}  // namespace
}  // namespace qtool::kernels
