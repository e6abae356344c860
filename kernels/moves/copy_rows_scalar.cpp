#include <cstring>

#include "kernels/registry.h"

namespace qtool::kernels {

void copy_rows_scalar(const CopyRowsArgs& args) {
  for (size_t r = 0; r < args.rows; ++r) {
    const uint8_t* from = args.from + r * args.from_step;
    uint8_t* to = args.to + r * args.to_step;
    if (args.table)
      for (size_t i = 0; i < args.n; ++i) to[i] = args.table[from[i]];
    else
      std::memcpy(to, from, args.n);
  }
}

}  // namespace qtool::kernels
