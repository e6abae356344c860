#include "exec/kernels/parallel.h"

#if defined(_OPENMP)
#include <omp.h>
#else
#include "base/parallel.h"
#endif

namespace qtool::lowerings {
namespace {

constexpr int64_t kWorthATeam = 8192;  ///< bytes: about what one thread does while a waiting team starts

using Body = std::function<void(int64_t, int64_t)>;

void run_part(int64_t part, int64_t all, int64_t count, const Body& body) {
  const int64_t first = count * part / all, last = count * (part + 1) / all;
  if (first < last) body(first, last);
}

#if defined(_OPENMP)
void run_parts(int threads, int64_t count, const Body& body) {
// Never fewer threads than the primitives use: the runtime would end the others, and start them anew for the next primitive.
#pragma omp parallel num_threads(threads)
  run_part(omp_get_thread_num(), omp_get_num_threads(), count, body);
}
#else
void run_parts(int threads, int64_t count, const Body& body) {
  parallel_for(static_cast<size_t>(threads), threads,
               [&](size_t part, int) { run_part(static_cast<int64_t>(part), threads, count, body); });
}
#endif

}  // namespace

void in_parts(int threads, int64_t count, int64_t bytes, const Body& body) {
  if (threads <= 1 || count <= 1 || bytes < kWorthATeam) return body(0, count);
  run_parts(threads, count, body);
}

}  // namespace qtool::lowerings
