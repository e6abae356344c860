#include <arm_neon.h>

#include <cstring>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

/// 16 x 16 bytes: four rounds of interleaving row i with row i + 8.
void bytes_16x16(const uint8_t* in, size_t in_stride, uint8_t* out, size_t out_stride) {
  uint8x16_t rows[16], next[16];
  for (size_t i = 0; i < 16; ++i) rows[i] = vld1q_u8(in + i * in_stride);
#pragma GCC unroll 4
  for (int round = 0; round < 4; ++round) {
#pragma GCC unroll 8
    for (size_t i = 0; i < 8; ++i) next[2 * i] = vzip1q_u8(rows[i], rows[i + 8]), next[2 * i + 1] = vzip2q_u8(rows[i], rows[i + 8]);
#pragma GCC unroll 16
    for (size_t i = 0; i < 16; ++i) rows[i] = next[i];
  }
  for (size_t i = 0; i < 16; ++i) vst1q_u8(out + i * out_stride, rows[i]);
}

void floats_4x4(const uint32_t* in, size_t in_stride, uint32_t* out, size_t out_stride) {
  const uint32x4_t a = vld1q_u32(in), b = vld1q_u32(in + in_stride), c = vld1q_u32(in + 2 * in_stride), d = vld1q_u32(in + 3 * in_stride);
  const uint32x4_t ac0 = vzip1q_u32(a, c), ac1 = vzip2q_u32(a, c), bd0 = vzip1q_u32(b, d), bd1 = vzip2q_u32(b, d);
  vst1q_u32(out, vzip1q_u32(ac0, bd0));
  vst1q_u32(out + out_stride, vzip2q_u32(ac0, bd0));
  vst1q_u32(out + 2 * out_stride, vzip1q_u32(ac1, bd1));
  vst1q_u32(out + 3 * out_stride, vzip2q_u32(ac1, bd1));
}

/// What lies outside the full blocks.
void rest(const TransposeArgs& args, size_t row, size_t column, size_t rows, size_t columns) {
  TransposeArgs part = args;
  part.in = static_cast<const uint8_t*>(args.in) + (row * args.in_stride + column) * args.width;
  part.out = static_cast<uint8_t*>(args.out) + (column * args.out_stride + row) * args.width;
  part.rows = rows, part.columns = columns;
  if (rows > 0 && columns > 0) transpose_scalar(part);
}

template <class T, class Block>
void by_blocks(const TransposeArgs& args, size_t size, Block block) {
  const T* in = static_cast<const T*>(args.in);
  T* out = static_cast<T*>(args.out);
  const size_t rows = args.rows / size * size, columns = args.columns / size * size;
  for (size_t c = 0; c < columns; c += size)
    for (size_t r = 0; r < rows; r += size)
      block(in + r * args.in_stride + c, args.in_stride, out + c * args.out_stride + r, args.out_stride);
  rest(args, rows, 0, args.rows - rows, args.columns);
  rest(args, 0, columns, rows, args.columns - columns);
}

/// Three planes to dense pixels of three bytes, and back.
void interleave_three(const TransposeArgs& args) {
  const auto* in = static_cast<const uint8_t*>(args.in);
  auto* out = static_cast<uint8_t*>(args.out);
  size_t c = 0;
  for (; c + 16 <= args.columns; c += 16) {
    const uint8x16x3_t planes = {{vld1q_u8(in + c), vld1q_u8(in + args.in_stride + c), vld1q_u8(in + 2 * args.in_stride + c)}};
    vst3q_u8(out + 3 * c, planes);
  }
  rest(args, 0, c, 3, args.columns - c);
}

void split_three(const TransposeArgs& args) {
  const auto* in = static_cast<const uint8_t*>(args.in);
  auto* out = static_cast<uint8_t*>(args.out);
  size_t r = 0;
  for (; r + 16 <= args.rows; r += 16) {
    const uint8x16x3_t pixels = vld3q_u8(in + 3 * r);
    for (size_t c = 0; c < 3; ++c) vst1q_u8(out + c * args.out_stride + r, pixels.val[c]);
  }
  rest(args, r, 0, args.rows - r, 3);
}

}  // namespace

void transpose_neon(const TransposeArgs& args) {
  if (args.width == 4) return by_blocks<uint32_t>(args, 4, floats_4x4);
  if (args.rows == 3 && args.out_stride == 3) return interleave_three(args);
  if (args.columns == 3 && args.in_stride == 3) return split_three(args);
  by_blocks<uint8_t>(args, 16, bytes_16x16);
}

}  // namespace qtool::kernels
