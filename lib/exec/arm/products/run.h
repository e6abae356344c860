#pragma once
// One product cut into rectangles for several threads.

#include <functional>

#include "exec/arm/products/columns.h"

namespace qtool::arm {

/// Rows that one call of the kernel takes at most: a multiple of every tile, few enough to stay in the caches.
constexpr int64_t kRowsAtOnce = 96;

/// The rectangle of rows that `args` describes, columns of panels [first, last) alone.
void run_panels(kernels::GemmArgs args, size_t first, size_t last);

/// Calls body(row block, first panel, last panel) for rectangles that make up `blocks` x `panels`, by several threads where the product
/// is worth it: rows are shared out, and columns too where there are few rows.
void share_out(int threads, int64_t blocks, size_t panels, int64_t macs,
               const std::function<void(int64_t block, size_t first, size_t last)>& body);

}  // namespace qtool::arm
