#include "exec/kernels/products/run.h"

#include <algorithm>

#include "exec/kernels/parallel.h"

namespace qtool::lowerings {

void share_out(int threads, int64_t blocks, size_t panels, int64_t macs, const std::function<void(int64_t, size_t, size_t)>& body) {
  const auto columns = blocks < threads ? std::min(static_cast<int64_t>(panels), int64_t{threads}) : int64_t{1};
  in_parts(threads, blocks * columns, macs / 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto part = static_cast<size_t>(i % columns), parts = static_cast<size_t>(columns);
      body(i / columns, panels * part / parts, panels * (part + 1) / parts);
    }
  });
}

}  // namespace qtool::lowerings
