#include "exec/onednn/parallel.h"

#include <omp.h>

#include <algorithm>

namespace qtool::onednn {
namespace {

constexpr int64_t kWorthAThread = 16384;  ///< bytes: about the time a team needs to start

}  // namespace

void in_parts(int threads, int64_t count, int64_t bytes, const std::function<void(int64_t, int64_t)>& body) {
  const int64_t parts = std::min({static_cast<int64_t>(threads), count, bytes / kWorthAThread});
  if (parts <= 1) return body(0, count);
#pragma omp parallel num_threads(static_cast <int>(parts))
  {
    const int64_t part = omp_get_thread_num(), all = omp_get_num_threads();
    body(count * part / all, count * (part + 1) / all);
  }
}

}  // namespace qtool::onednn
