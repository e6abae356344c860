#include <arm_neon.h>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

template <bool kSigned>
__attribute__((always_inline)) inline uint8x16_t greater(uint8x16_t a, uint8x16_t b) {
  if constexpr (kSigned) return vreinterpretq_u8_s8(vmaxq_s8(vreinterpretq_s8_u8(a), vreinterpretq_s8_u8(b)));
  return vmaxq_u8(a, b);
}

/// 16 * kVectors bytes at `out`, from those at `from` of each tap.
template <bool kSigned, size_t kVectors>
__attribute__((always_inline)) inline void block(const uint8_t* const* taps, size_t count, size_t from, uint8_t* out) {
  uint8x16_t top[kVectors];
  for (size_t v = 0; v < kVectors; ++v) top[v] = vld1q_u8(taps[0] + from + 16 * v);
  for (size_t t = 1; t < count; ++t)
    for (size_t v = 0; v < kVectors; ++v) top[v] = greater<kSigned>(top[v], vld1q_u8(taps[t] + from + 16 * v));
  for (size_t v = 0; v < kVectors; ++v) vst1q_u8(out + 16 * v, top[v]);
}

template <bool kSigned, class Code>
void few(const uint8_t* const* taps, size_t count, size_t from, uint8_t* out, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    auto top = static_cast<Code>(taps[0][from + i]);
    for (size_t t = 1; t < count; ++t) top = static_cast<Code>(taps[t][from + i]) > top ? static_cast<Code>(taps[t][from + i]) : top;
    out[i] = static_cast<uint8_t>(top);
  }
}

/// The last block is moved back: doing some bytes twice does no harm.
template <bool kSigned, class Code>
void window(const MaximumArgs& args, size_t from, uint8_t* out) {
  const uint8_t* const* taps = args.taps;
  const size_t count = args.count, n = args.n;
  if (n < 16) return few<kSigned, Code>(taps, count, from, out, n);
  size_t i = 0;
  for (; i + 64 <= n; i += 64) block<kSigned, 4>(taps, count, from + i, out + i);
  for (; i + 16 <= n; i += 16) block<kSigned, 1>(taps, count, from + i, out + i);
  if (i < n) block<kSigned, 1>(taps, count, from + n - 16, out + n - 16);
}

template <bool kSigned, class Code>
void all(const MaximumArgs& args) {
  for (size_t w = 0; w < args.row.windows; ++w) window<kSigned, Code>(args, w * args.row.in_step, args.out + w * args.row.out_step);
}

}  // namespace

void maximum_neon(const MaximumArgs& args) { args.is_signed ? all<true, int8_t>(args) : all<false, uint8_t>(args); }

}  // namespace qtool::kernels
