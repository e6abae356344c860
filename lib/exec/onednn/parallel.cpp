#include "exec/onednn/parallel.h"

#include <omp.h>

namespace qtool::onednn {
namespace {

constexpr int64_t kWorthATeam = 32768;  ///< bytes: about what one thread does while a team starts

}  // namespace

void in_parts(int threads, int64_t count, int64_t bytes, const std::function<void(int64_t, int64_t)>& body) {
  if (threads <= 1 || count <= 1 || bytes < kWorthATeam) return body(0, count);
// Never fewer threads than the primitives use: the runtime would end the others, and start them anew for the next primitive.
#pragma omp parallel num_threads(threads)
  {
    const int64_t part = omp_get_thread_num(), all = omp_get_num_threads();
    const int64_t first = count * part / all, last = count * (part + 1) / all;
    if (first < last) body(first, last);
  }
}

}  // namespace qtool::onednn
