#include "exec/kernels/products/run.h"

#include <algorithm>

#include "exec/kernels/parallel.h"

namespace qtool::lowerings {
namespace {

constexpr int64_t kManyBlocks = 8;  ///< a thread: so that one block more or less matters little
constexpr int64_t kManyPanels = 4;  ///< a thread: as a tile has

}  // namespace

void share_out(int threads, int64_t blocks, size_t panels, int64_t macs, const std::function<void(int64_t, size_t, size_t)>& body) {
  const auto all = static_cast<int64_t>(panels);
  const bool by_rows = blocks >= kManyBlocks * threads || (blocks >= threads && all < kManyPanels * threads);
  const int64_t columns = by_rows ? 1 : std::min(all, int64_t{threads});
  in_parts(threads, blocks * columns, macs / 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto part = static_cast<size_t>(i / blocks), parts = static_cast<size_t>(columns);
      body(i % blocks, panels * part / parts, panels * (part + 1) / parts);
    }
  });
}

}  // namespace qtool::lowerings
