// tbl selects from 64 inputs: those of a step's 128 that are not among them stay what they were.
#include <arm_neon.h>

#include <algorithm>
#include <cstring>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

/// Up to 64 bytes at `from`, of which n are there.
uint8x16x4_t load(const uint8_t* from, size_t n) {
  if (n >= 64) return vld1q_u8_x4(from);
  uint8_t bytes[64] = {};
  std::memcpy(bytes, from, n);
  return vld1q_u8_x4(bytes);
}

/// Which of a step's 128 inputs sixteen outputs take; 255 where theirs is in no such step.
uint8x16_t select(const PermuteTable::Step& step, size_t q) {
  uint8_t bytes[16];
  for (size_t j = 0; j < 16; ++j) bytes[j] = step.lanes >> (16 * q + j) & 1 ? step.select[16 * q + j] : 255;
  return vld1q_u8(bytes);
}

/// The outputs of one block that one step gives, for all rows.
void run_step(const PermuteArgs& args, const PermuteTable::Step& step, size_t block, bool is_first) {
  const PermuteTable& table = *args.table;
  const size_t width = table.index.size(), n = std::min<size_t>(64, width - 64 * block);
  uint8x16_t index[4], beyond[4];
  for (size_t q = 0; q < 4; ++q) index[q] = select(step, q), beyond[q] = vsubq_u8(index[q], vdupq_n_u8(64));
  const uint8_t* in = args.in;
  uint8_t* out = args.out + 64 * block;
  for (size_t r = 0; r < args.rows; ++r, in += table.in_width, out += width) {
    const uint8x16x4_t a = load(in + step.from[0], table.in_width), b = load(in + step.from[1], table.in_width);
    uint8x16x4_t made = is_first ? uint8x16x4_t{} : load(out, n);
    for (size_t q = 0; q < 4; ++q) made.val[q] = vqtbx4q_u8(vqtbx4q_u8(made.val[q], a, index[q]), b, beyond[q]);
    if (n == 64) {
      vst1q_u8_x4(out, made);
    } else {
      uint8_t bytes[64];
      vst1q_u8_x4(bytes, made);
      std::memcpy(out, bytes, n);
    }
  }
}

}  // namespace

void permute_neon(const PermuteArgs& args) {
  const PermuteTable& table = *args.table;
  for (size_t block = 0; block + 1 < table.first.size(); ++block)
    for (size_t i = table.first[block]; i < table.first[block + 1]; ++i) run_step(args, table.steps[i], block, i == table.first[block]);
}

}  // namespace qtool::kernels
