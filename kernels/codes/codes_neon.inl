#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

namespace qtool::kernels {
namespace {

/// clamp(steps + zero_point, lo, hi) of 16 steps as bytes. Codes are kept as s8 until the end: those of u8 are 128 lower.
struct Codes {
  Codes(int32_t zero_point, int32_t lo, int32_t hi) {
    const int32_t base = hi > 127 ? 128 : 0;
    zero = vdupq_n_s16(static_cast<int16_t>(zero_point - base));
    least = vdupq_n_s8(static_cast<int8_t>(lo - base)), most = vdupq_n_s8(static_cast<int8_t>(hi - base));
    flip = vdupq_n_u8(static_cast<uint8_t>(base));
  }
  __attribute__((always_inline)) uint8x16_t operator()(int32x4_t a, int32x4_t b, int32x4_t c, int32x4_t d) const {
    const int16x8_t low = vqaddq_s16(vqmovn_high_s32(vqmovn_s32(a), b), zero), high = vqaddq_s16(vqmovn_high_s32(vqmovn_s32(c), d), zero);
    const int8x16_t codes = vqmovn_high_s16(vqmovn_s16(low), high);
    return veorq_u8(vreinterpretq_u8_s8(vminq_s8(vmaxq_s8(codes, least), most)), flip);
  }

  int16x8_t zero;
  int8x16_t least, most;
  uint8x16_t flip;
};

/// The same where lo and hi are all that s8 or u8 hold: saturation is the clamp.
template <bool kUnsigned>
struct AllCodes {
  explicit AllCodes(int32_t zero_point) : zero(vdupq_n_s16(static_cast<int16_t>(zero_point))) {}
  __attribute__((always_inline)) uint8x16_t operator()(int32x4_t a, int32x4_t b, int32x4_t c, int32x4_t d) const {
    const int16x8_t low = vqaddq_s16(vqmovn_high_s32(vqmovn_s32(a), b), zero), high = vqaddq_s16(vqmovn_high_s32(vqmovn_s32(c), d), zero);
    if constexpr (kUnsigned) return vqmovun_high_s16(vqmovun_s16(low), high);
    return vreinterpretq_u8_s8(vqmovn_high_s16(vqmovn_s16(low), high));
  }

  int16x8_t zero;
};

/// use(codes) with the cheapest of them.
template <class Use>
__attribute__((always_inline)) inline void with_codes(int32_t zero_point, int32_t lo, int32_t hi, const Use& use) {
  if (lo == -128 && hi == 127) return use(AllCodes<false>(zero_point));
  lo == 0 && hi == 255 ? use(AllCodes<true>(zero_point)) : use(Codes(zero_point, lo, hi));
}

/// Calls block(i) for every 16 elements, then the scalar twin for the rest: args with `advance(args, i)` applied.
template <class Args, class Block, class Advance>
__attribute__((always_inline)) inline void by_sixteen(const Args& args, size_t n, const Block& block, const Advance& advance,
                                                      void (*scalar)(const Args&)) {
  size_t i = 0;
  for (; i + 64 <= n; i += 64) block(i), block(i + 16), block(i + 32), block(i + 48);
  for (; i + 16 <= n; i += 16) block(i);
  if (i == n) return;
  Args rest = args;
  advance(rest, i);
  scalar(rest);
}

}  // namespace
}  // namespace qtool::kernels
