#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

namespace qtool::kernels {
namespace {

/// A table of 256 bytes in sixteen registers: tbl looks up 64 entries and gives 0 for an index beyond them, tbx keeps what was there.
struct Table {
  explicit Table(const uint8_t* from) : entries(from) {}

  void map(const uint8_t* in, uint8_t* out, size_t n) const {
    size_t rest = n;
    if (n >= 32) blocks(in, out, n / 32), rest = n % 32;
    if (rest >= 16) sixteen(in + n - rest, out + n - rest), rest -= 16;
    for (size_t i = n - rest; i < n; ++i) out[i] = entries[in[i]];
  }

  /// Sixteen codes, seldom more than once a call.
  void sixteen(const uint8_t* in, uint8_t* out) const {
    const uint8x16_t below = vdupq_n_u8(64);
    uint8x16_t codes = vld1q_u8(in), found = vqtbl4q_u8(vld1q_u8_x4(entries), codes);
    for (int q = 1; q < 4; ++q) {
      codes = vsubq_u8(codes, below);
      found = vqtbx4q_u8(found, vld1q_u8_x4(entries + 64 * q), codes);
    }
    vst1q_u8(out, found);
  }

 private:
  /// n > 0 times 32 codes.
  __attribute__((noinline)) void blocks(const uint8_t* in, uint8_t* out, size_t n) const {
    const uint8_t* from = entries;
    asm volatile(
        "ld1 {v16.16b-v19.16b}, [%[from]], #64\n ld1 {v20.16b-v23.16b}, [%[from]], #64\n"
        "ld1 {v24.16b-v27.16b}, [%[from]], #64\n ld1 {v28.16b-v31.16b}, [%[from]]\n movi v4.16b, #64\n"
        "1: ldp q0, q1, [%[in]], #32\n subs %[n], %[n], #1\n"
        "tbl v2.16b, {v16.16b-v19.16b}, v0.16b\n tbl v3.16b, {v16.16b-v19.16b}, v1.16b\n"
        "sub v0.16b, v0.16b, v4.16b\n sub v1.16b, v1.16b, v4.16b\n"
        "tbx v2.16b, {v20.16b-v23.16b}, v0.16b\n tbx v3.16b, {v20.16b-v23.16b}, v1.16b\n"
        "sub v0.16b, v0.16b, v4.16b\n sub v1.16b, v1.16b, v4.16b\n"
        "tbx v2.16b, {v24.16b-v27.16b}, v0.16b\n tbx v3.16b, {v24.16b-v27.16b}, v1.16b\n"
        "sub v0.16b, v0.16b, v4.16b\n sub v1.16b, v1.16b, v4.16b\n"
        "tbx v2.16b, {v28.16b-v31.16b}, v0.16b\n tbx v3.16b, {v28.16b-v31.16b}, v1.16b\n"
        "stp q2, q3, [%[out]], #32\n b.ne 1b\n"
        : [from] "+r"(from), [in] "+r"(in), [out] "+r"(out), [n] "+r"(n)
        :
        : "v0", "v1", "v2", "v3", "v4", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29",
          "v30", "v31", "cc", "memory");
  }

  const uint8_t* entries;
};

}  // namespace
}  // namespace qtool::kernels
