#pragma once
// Where walks along rows (depthwise_walk_neon.h) serve: 3 x 3 taps, a stride of 1 or 2, and who cuts a block of 16 channels into them.
#include <arm_neon.h>

#include <algorithm>
#include <optional>

#include "kernels/products/depthwise.h"
#include "kernels/products/depthwise_walk_neon.h"

namespace qtool::kernels {
namespace {

/// The block's constants, or none where it holds other taps than rows 0-2 (and 1-3 for the second output row), -128, or steps may leave
/// 16 bits.
inline std::optional<WalkBlock> walk_block(const DepthwiseArgs& args, size_t channel, const int8_t* weights) {
  WalkBlock block;
  uint8x16_t beyond = vdupq_n_u8(0);
  int8x16_t least = vdupq_n_s8(0);
  for (size_t kx = 0; kx < 3; ++kx) {
    const int8x16x4_t column = vld4q_s8(weights + 64 * kx);
    for (size_t r = 0; r < 3; ++r) vst1q_s8(block.taps[3 * r + kx], column.val[r]), least = vminq_s8(least, column.val[r]);
    beyond = vorrq_u8(beyond, vreinterpretq_u8_s8(column.val[3]));
    if (args.out_rows == 1) continue;
    const int8x16x4_t second = vld4q_s8(weights + 64 * (3 + kx));
    beyond = vorrq_u8(beyond, vreinterpretq_u8_s8(second.val[0]));
    for (size_t r = 0; r < 3; ++r) beyond = vorrq_u8(beyond, vreinterpretq_u8_s8(veorq_s8(column.val[r], second.val[r + 1])));
  }
  float32x4_t most = vdupq_n_f32(0);
  for (size_t q = 0; q < 16; q += 4) {
    const float32x4_t scale = vld1q_f32(args.scale + channel + q), shift = vld1q_f32(args.shift + channel + q);
    vst1q_f32(block.scale + q, scale), vst1q_f32(block.shift + q, shift);
    most = vmaxq_f32(most, vaddq_f32(vmulq_n_f32(vabsq_f32(scale), 9 * 127 * 128), vabsq_f32(shift)));
  }
  if (vmaxvq_u8(beyond) != 0 || vminvq_s8(least) == -128 || !(vmaxvq_f32(most) < 32000)) return std::nullopt;
  const int base = args.hi > 127 ? 128 : 0;
  vst1q_f32(block.magic, vdupq_n_f32(0x1.8p23f));
  vst1q_s16(block.zero_point, vdupq_n_s16(static_cast<int16_t>(args.out_zero_point - base)));
  vst1q_s8(block.lo, vdupq_n_s8(static_cast<int8_t>(args.lo - base)));
  vst1q_s8(block.hi, vdupq_n_s8(static_cast<int8_t>(args.hi - base)));
  vst1q_u8(block.flip, vdupq_n_u8(static_cast<uint8_t>(base)));
  return block;
}

template <WalkForm kForm>
class Walker {
  static constexpr size_t kStride = kForm == WalkForm::two_by_twos ? 2 : 1, kKept = 3 - kStride;
  static constexpr size_t kOut = kForm == WalkForm::four ? 4 : 2, kIn = kStride * (kOut - 1) + 3;
  static constexpr size_t kEdge = 4;  ///< outputs at a time whose columns are not all inside

 public:
  Walker(const DepthwiseArgs& args, size_t channel, const WalkBlock& block) : args_(args), channel_(channel), block_(block) {
    std::fill_n(outside_, 16, static_cast<uint8_t>(args.zero_point ^ args.flip));
    walk_ = walk_of(kForm, args.flip == 0, args.lo != -128 || args.hi != 127);
  }

  /// The output rows out[0 .. kOut - 1] from rows[0 .. kIn - 1], all of them pixels of all channels.
  void rows(const uint8_t* const* rows, uint8_t* const* out) const {
    alignas(16) uint8_t begun[12][16], edge[kEdge * kStride * kIn][16];
    WalkRoute route;
    route.out_step = args_.channels, route.begun = begun[0];
    for (size_t x = 0, n; x < args_.out_width; x += n) {
      const size_t first = x * kStride - args_.left, next = first + kKept, left = args_.out_width - x, inside = outputs_inside(next);
      n = std::min(left, inside ? inside : std::min(kEdge, outputs_before(next)));
      const bool beyond = inside && n < left && next + n * kStride == args_.in_width;  // one more, whose columns are all beyond the row
      n += beyond;
      route.turns = (n + 2) / 3, route.rest = n % 3, route.beyond = beyond ? outside_ : nullptr;
      gather(rows, first, kKept, begun);
      route.in_step = inside ? args_.channels : kIn * 16;
      if (!inside) gather(rows, next, n * kStride, edge);
      for (size_t r = 0; r < kIn; ++r) route.in[r] = inside ? rows[r] + channel_ + next * args_.channels : edge[r];
      for (size_t t = 0; t < kOut; ++t) route.out[t] = out[t] + channel_ + x * args_.channels;
      walk_(route, block_);
    }
  }

 private:
  /// How many outputs find their new columns, from `next` on, inside; columns left of the first have wrapped around.
  size_t outputs_inside(size_t next) const { return next < args_.in_width ? (args_.in_width - next) / kStride : 0; }
  /// How many do not before one might; any number if none will.
  size_t outputs_before(size_t next) const {
    const size_t missing = size_t{0} - next;
    return missing - 1 < args_.left ? (missing + kStride - 1) / kStride : kEdge;
  }

  void gather(const uint8_t* const* rows, size_t first, size_t columns, uint8_t (*to)[16]) const {
    const uint8x16_t outside = vld1q_u8(outside_);
    for (size_t i = first; columns > 0; --columns, ++i, to += kIn) {
      const size_t at = channel_ + i * args_.channels;
      for (size_t r = 0; r < kIn; ++r) vst1q_u8(to[r], i < args_.in_width ? vld1q_u8(rows[r] + at) : outside);
    }
  }

  const DepthwiseArgs& args_;
  size_t channel_;
  const WalkBlock& block_;
  uint8_t outside_[16];
  Walk* walk_;
};

/// Rows of time i, and of the next where they are the ones below: then `n` rows that the two have in common lie `shift` further up there.
inline bool goes_on(const DepthwiseArgs& args, size_t i, size_t n, size_t shift) {
  if (i + 1 >= args.times) return false;
  const uint8_t *const *rows = args.rows + 4 * i, *const *next = rows + 4;
  return std::equal(next, next + n, rows + shift);
}

/// All times of a block but those that lie alone, which `alone` is called for.
template <class Alone>
void walk_times(const DepthwiseArgs& args, size_t channel, const WalkBlock& block, const Alone& alone) {
  const Walker<WalkForm::four> four(args, channel, block);
  const Walker<WalkForm::two> two(args, channel, block);
  const Walker<WalkForm::two_by_twos> twos(args, channel, block);
  for (size_t i = 0; i < args.times; ++i) {
    const uint8_t* const* rows = args.rows + 4 * i;
    uint8_t *first = args.out[0] + i * args.out_step, *second = args.out[1] + i * args.out_step;
    if (args.stride == 1 && args.out_rows == 2) {
      if (!goes_on(args, i, 2, 2)) {
        uint8_t* const out[] = {first, second};
        two.rows(rows, out);
        continue;
      }
      const uint8_t* const six[] = {rows[0], rows[1], rows[2], rows[3], rows[6], rows[7]};
      uint8_t* const out[] = {first, second, first + args.out_step, second + args.out_step};
      four.rows(six, out), ++i;
    } else if (args.stride == 2 && args.out_rows == 1 && goes_on(args, i, 1, 2)) {
      const uint8_t* const five[] = {rows[0], rows[1], rows[2], rows[5], rows[6]};
      uint8_t* const out[] = {first, first + args.out_step};
      twos.rows(five, out), ++i;
    } else {
      alone(args.at(i));
    }
  }
}

/// The same for a block whose weights suit; or no.
template <class Alone>
bool walk_if_suited(const DepthwiseArgs& args, size_t channel, const int8_t* weights, const Alone& alone) {
  const auto block = walk_block(args, channel, weights);
  if (block) walk_times(args, channel, *block, alone);
  return block.has_value();
}

}  // namespace
}  // namespace qtool::kernels
