#pragma once
// One product cut into rectangles for several threads.

#include <algorithm>
#include <cstddef>
#include <functional>

#include "kernels/registry.h"

namespace qtool::lowerings {

/// Rows that one call of the kernel takes at most: a multiple of every tile, few enough to stay in the caches.
constexpr int64_t kRowsAtOnce = 96;

/// Of a side: kRowsAtOnce, or a number of its own.
template <class Side>
constexpr int64_t rows_at_once() {
  if constexpr (requires { Side::kRowsAtOnce; }) return Side::kRowsAtOnce;
  return kRowsAtOnce;
}

/// Where element `at` of the output lies.
inline void set_out(kernels::GemmArgs& args, std::byte* out, int64_t at) {
  args.out = out + at * (args.form == kernels::GemmForm::codes ? 1 : 4);
}
inline void set_out(kernels::FloatGemmArgs& args, std::byte* out, int64_t at) { args.out = reinterpret_cast<float*>(out) + at; }

inline void set_second(kernels::GemmArgs& args, const uint8_t* other, size_t stride) {
  args.second.other = other, args.second.stride = stride;
}
inline void set_second(kernels::FloatGemmArgs&, const uint8_t*, size_t) {}

/// Calls body(row block, first panel, last panel) for rectangles that make up `blocks` x `panels`, by several threads where the product
/// is worth it: rows are shared out, or columns where there are few rows.
void share_out(int threads, int64_t blocks, size_t panels, int64_t macs,
               const std::function<void(int64_t block, size_t first, size_t last)>& body);

/// All rows and columns of a product of a matrix (no offsets); `out` is where the rows of args begin.
template <class Side>
void run_rows(const Side& side, const typename Side::Args& args, std::byte* out, int threads) {
  constexpr int64_t kAtOnce = rows_at_once<Side>();
  const auto rows = static_cast<int64_t>(args.m), blocks = (rows + kAtOnce - 1) / kAtOnce;
  const auto macs = rows * static_cast<int64_t>(args.packing.n * args.packing.depth);
  share_out(threads, blocks, args.packing.panels(), macs, [&](int64_t block, size_t first, size_t last) {
    typename Side::Args part = args;
    const int64_t row = block * kAtOnce;
    part.m = static_cast<size_t>(std::min(kAtOnce, rows - row));
    part.a += static_cast<size_t>(row) * args.a_stride;
    set_out(part, out, row * static_cast<int64_t>(args.out_stride));
    side.run(part, first, last);
  });
}

}  // namespace qtool::lowerings
