// The 32 coefficients of a power are 128 bytes, from which tbl and tbx pick four bytes for every number.
#include "kernels/codes/codes_neon.inl"
#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

struct Sixteen {
  float32x4_t part[4];
};

/// The pieces that 16 numbers lie in, as places of bytes, and how far into them.
struct Places {
  __attribute__((always_inline)) Places(const PiecewiseTable& table, const float* in) {
    const float32x4_t slope = vdupq_n_f32(table.slope), last = vdupq_n_f32(PiecewiseTable::kPieces - 1);
    for (size_t q = 0; q < 4; ++q) {
      const float32x4_t t = vfmaq_f32(vdupq_n_f32(table.offset), vld1q_f32(in + 4 * q), slope);
      const float32x4_t piece = vminq_f32(vmaxq_f32(vrndmq_f32(t), vdupq_n_f32(0)), last);
      r.part[q] = vsubq_f32(t, piece);
      const uint32x4_t first = vmlaq_n_u32(vdupq_n_u32(0x03020100), vcvtq_u32_f32(piece), 0x04040404);  // NaN: piece 0
      low[q] = vreinterpretq_u8_u32(first), high[q] = vsubq_u8(low[q], vdupq_n_u8(64));
    }
  }
  __attribute__((always_inline)) Sixteen coefficients(const float (&c)[PiecewiseTable::kPieces]) const {
    const auto* bytes = reinterpret_cast<const uint8_t*>(c);
    const uint8x16x4_t front = vld1q_u8_x4(bytes), back = vld1q_u8_x4(bytes + 64);
    Sixteen found;
    for (size_t q = 0; q < 4; ++q) found.part[q] = vreinterpretq_f32_u8(vqtbx4q_u8(vqtbl4q_u8(front, low[q]), back, high[q]));
    return found;
  }

  Sixteen r;
  uint8x16_t low[4], high[4];
};

__attribute__((always_inline)) inline Sixteen values(const PiecewiseTable& table, const float* in) {
  const Places places(table, in);
  Sixteen y = places.coefficients(table.c[PiecewiseTable::kOrder - 1]);
#pragma GCC unroll 4
  for (size_t k = PiecewiseTable::kOrder - 1; k-- > 0;) {
    const Sixteen c = places.coefficients(table.c[k]);
    for (size_t q = 0; q < 4; ++q) y.part[q] = vfmaq_f32(c.part[q], y.part[q], places.r.part[q]);
  }
  return y;
}

}  // namespace

void piecewise_neon(const PiecewiseArgs& args) {
  const Codes codes(args.zero_point, args.lo, args.hi);
  const PiecewiseTable& table = *args.table;
  const float* in = args.in;
  uint8_t* out = args.codes;
  by_sixteen(
      args, args.n,
      [&](size_t i) {
        const Sixteen y = values(table, in + i);
        const auto steps = [&](size_t q) { return vcvtnq_s32_f32(y.part[q]); };
        vst1q_u8(out + i, codes(steps(0), steps(1), steps(2), steps(3)));
      },
      [](PiecewiseArgs& rest, size_t i) { rest.in += i, rest.codes += i, rest.n -= i; }, piecewise_scalar);
}

}  // namespace qtool::kernels
