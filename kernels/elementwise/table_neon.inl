#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

namespace qtool::kernels {
namespace {

/// A table of 256 bytes in sixteen registers: tbl looks up 64 entries and gives 0 for an index beyond them, tbx keeps what was there.
struct Table {
  explicit Table(const uint8_t* from) : entries(from) {
    for (int q = 0; q < 4; ++q) quarter[q] = vld1q_u8_x4(from + 64 * q);
  }
  __attribute__((always_inline)) uint8x16_t operator()(uint8x16_t codes) const {
    const uint8x16_t below = vdupq_n_u8(64);
    uint8x16_t found = vqtbl4q_u8(quarter[0], codes);
    for (int q = 1; q < 4; ++q) {
      codes = vsubq_u8(codes, below);
      found = vqtbx4q_u8(found, quarter[q], codes);
    }
    return found;
  }
  __attribute__((always_inline)) void map(const uint8_t* in, uint8_t* out, size_t n) const {
    size_t i = 0;
    for (; i + 64 <= n; i += 64)
      for (size_t j = 0; j < 64; j += 16) vst1q_u8(out + i + j, (*this)(vld1q_u8(in + i + j)));
    for (; i + 16 <= n; i += 16) vst1q_u8(out + i, (*this)(vld1q_u8(in + i)));
    for (; i < n; ++i) out[i] = entries[in[i]];
  }

  const uint8_t* entries;
  uint8x16x4_t quarter[4];
};

}  // namespace
}  // namespace qtool::kernels
