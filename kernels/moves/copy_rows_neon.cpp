#include <cstring>

#include "kernels/elementwise/table_neon.inl"
#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

/// n >= 16 bytes; the last 16 may overlap those before.
__attribute__((always_inline)) inline void copy(const uint8_t* from, uint8_t* to, size_t n) {
  size_t i = 0;
  for (; i + 64 <= n; i += 64) vst1q_u8_x4(to + i, vld1q_u8_x4(from + i));
  for (; i + 16 <= n; i += 16) vst1q_u8(to + i, vld1q_u8(from + i));
  if (i < n) vst1q_u8(to + n - 16, vld1q_u8(from + n - 16));
}

template <class T>
void copy_units(const CopyRowsArgs& args) {
  for (size_t r = 0; r < args.rows; ++r) std::memcpy(args.to + r * args.to_step, args.from + r * args.from_step, sizeof(T));
}

void look_up(const CopyRowsArgs& args) {
  const Table table(args.table);
  const size_t n = args.n, whole = n < 16 ? n : n / 16 * 16;
  if (args.from_step == n && args.to_step == n) return table.map(args.from, args.to, args.rows * n);
  for (size_t r = 0; r < args.rows; ++r) {
    const uint8_t* from = args.from + r * args.from_step;
    uint8_t* to = args.to + r * args.to_step;
    table.map(from, to, whole);
    if (whole < n) table.sixteen(from + n - 16, to + n - 16);  // the last 16, some of them again
  }
}

}  // namespace

void copy_rows_neon(const CopyRowsArgs& args) {
  if (args.table) return look_up(args);
  const size_t rows = args.rows, n = args.n, from_step = args.from_step, to_step = args.to_step;
  const uint8_t* from = args.from;
  uint8_t* to = args.to;
  if (n == 8) return copy_units<uint64_t>(args);
  if (n == 4) return copy_units<uint32_t>(args);
  if (n < 16 || n > 1024) return copy_rows_scalar(args);
  for (size_t r = 0; r < rows; ++r) copy(from + r * from_step, to + r * to_step, n);
}

}  // namespace qtool::kernels
