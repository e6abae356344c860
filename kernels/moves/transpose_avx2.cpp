#include <immintrin.h>

#include <cstring>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

/// 16 x 16 bytes, of which the first `columns` become rows: four rounds of interleaving row i with row i + 8.
void bytes_16x16(const uint8_t* in, size_t in_stride, uint8_t* out, size_t out_stride, size_t columns = 16) {
  __m128i rows[16], next[16];
  for (int i = 0; i < 16; ++i) rows[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + static_cast<size_t>(i) * in_stride));
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 8; ++i) {
      next[2 * i] = _mm_unpacklo_epi8(rows[i], rows[i + 8]);
      next[2 * i + 1] = _mm_unpackhi_epi8(rows[i], rows[i + 8]);
    }
    std::memcpy(rows, next, sizeof rows);
  }
  for (size_t i = 0; i < columns; ++i) _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i * out_stride), rows[i]);
}

void floats_4x4(const float* in, size_t in_stride, float* out, size_t out_stride) {
  __m128 a = _mm_loadu_ps(in), b = _mm_loadu_ps(in + in_stride), c = _mm_loadu_ps(in + 2 * in_stride), d = _mm_loadu_ps(in + 3 * in_stride);
  _MM_TRANSPOSE4_PS(a, b, c, d);
  _mm_storeu_ps(out, a);
  _mm_storeu_ps(out + out_stride, b);
  _mm_storeu_ps(out + 2 * out_stride, c);
  _mm_storeu_ps(out + 3 * out_stride, d);
}

/// Three planes to dense pixels of three bytes; returns the columns done. Writes 16 bytes for 12: stops where that would pass the end.
size_t interleave_three(const uint8_t* in, size_t in_stride, uint8_t* out, size_t columns) {
  const __m128i drop_fourth = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
  const auto load = [&](size_t row, size_t c) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + row * in_stride + c)); };
  size_t c = 0;
  for (; c + 18 <= columns; c += 16) {
    const __m128i x = load(0, c), y = load(1, c), z = load(2, c);
    const __m128i xy_lo = _mm_unpacklo_epi8(x, y), xy_hi = _mm_unpackhi_epi8(x, y), z_lo = _mm_unpacklo_epi8(z, z),
                  z_hi = _mm_unpackhi_epi8(z, z);
    const __m128i pixels[4] = {_mm_unpacklo_epi16(xy_lo, z_lo), _mm_unpackhi_epi16(xy_lo, z_lo), _mm_unpacklo_epi16(xy_hi, z_hi),
                               _mm_unpackhi_epi16(xy_hi, z_hi)};
    for (size_t i = 0; i < 4; ++i)
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 3 * c + 12 * i), _mm_shuffle_epi8(pixels[i], drop_fourth));
  }
  return c;
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

/// Fewer than 16 columns of bytes, as the windows of weights have: blocks read into the rows that follow, as long as there are some.
void narrow(const TransposeArgs& args) {
  const uint8_t* in = static_cast<const uint8_t*>(args.in);
  size_t r = 0;
  for (; r + 16 <= args.rows && (args.rows - r - 16) * args.in_stride + args.columns >= 16; r += 16)
    bytes_16x16(in + r * args.in_stride, args.in_stride, static_cast<uint8_t*>(args.out) + r, args.out_stride, args.columns);
  rest(args, r, 0, args.rows - r, args.columns);
}

}  // namespace

void transpose_avx2(const TransposeArgs& args) {
  if (args.width == 4) return by_blocks<float>(args, 4, floats_4x4);
  if (args.columns < 16 && args.rows > 16) return narrow(args);
  if (args.rows != 3 || args.out_stride != 3) return by_blocks<uint8_t>(args, 16, [](auto... block) { bytes_16x16(block...); });
  const size_t done = interleave_three(static_cast<const uint8_t*>(args.in), args.in_stride, static_cast<uint8_t*>(args.out), args.columns);
  rest(args, 0, done, 3, args.columns - done);
}

}  // namespace qtool::kernels
