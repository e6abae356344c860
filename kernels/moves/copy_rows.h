#pragma once
#include <cstddef>
#include <cstdint>

namespace qtool::kernels {

/// to[r * to_step + i] = table ? table[from[r * from_step + i]] : from[r * from_step + i]   for r < rows, i < n
///
/// from, to   bytes; steps >= n in bytes; they do not overlap. Written is nothing but those bytes.
/// table      256 bytes, or null
struct CopyRowsArgs {
  const uint8_t* from;
  size_t from_step;
  uint8_t* to;
  size_t to_step;
  size_t rows, n;
  const uint8_t* table = nullptr;
};
struct CopyRows {
  using Args = CopyRowsArgs;
  using Fn = void(const CopyRowsArgs&);
};

}  // namespace qtool::kernels
