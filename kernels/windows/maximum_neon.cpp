#include <arm_neon.h>

#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

template <bool kSigned>
__attribute__((always_inline)) inline uint8x16_t greater(uint8x16_t a, uint8x16_t b) {
  if constexpr (kSigned) return vreinterpretq_u8_s8(vmaxq_s8(vreinterpretq_s8_u8(a), vreinterpretq_s8_u8(b)));
  return vmaxq_u8(a, b);
}

/// 16 * kVectors bytes from i on.
template <bool kSigned, size_t kVectors>
__attribute__((always_inline)) inline void block(const uint8_t* const* taps, size_t count, uint8_t* out, size_t i) {
  uint8x16_t top[kVectors];
  for (size_t v = 0; v < kVectors; ++v) top[v] = vld1q_u8(taps[0] + i + 16 * v);
  for (size_t t = 1; t < count; ++t)
    for (size_t v = 0; v < kVectors; ++v) top[v] = greater<kSigned>(top[v], vld1q_u8(taps[t] + i + 16 * v));
  for (size_t v = 0; v < kVectors; ++v) vst1q_u8(out + i + 16 * v, top[v]);
}

template <bool kSigned, class Code>
void few(const uint8_t* const* taps, size_t count, uint8_t* out, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    auto top = static_cast<Code>(taps[0][i]);
    for (size_t t = 1; t < count; ++t) top = static_cast<Code>(taps[t][i]) > top ? static_cast<Code>(taps[t][i]) : top;
    out[i] = static_cast<uint8_t>(top);
  }
}

/// The last block is moved back: doing some bytes twice does no harm.
template <bool kSigned, class Code>
void all(const MaximumArgs& args) {
  const uint8_t* const* taps = args.taps;
  const size_t count = args.count, n = args.n;
  uint8_t* out = args.out;
  if (n < 16) return few<kSigned, Code>(taps, count, out, n);
  size_t i = 0;
  for (; i + 64 <= n; i += 64) block<kSigned, 4>(taps, count, out, i);
  for (; i + 16 <= n; i += 16) block<kSigned, 1>(taps, count, out, i);
  if (i < n) block<kSigned, 1>(taps, count, out, n - 16);
}

}  // namespace

void maximum_neon(const MaximumArgs& args) { args.is_signed ? all<true, int8_t>(args) : all<false, uint8_t>(args); }

}  // namespace qtool::kernels
