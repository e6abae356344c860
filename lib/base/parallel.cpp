#include "base/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace qtool {
namespace {

struct Shared {
  std::atomic<size_t> next{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  std::exception_ptr failure;
};

void work(Shared& shared, size_t count, int worker, const std::function<void(size_t, int)>& body) {
  while (!shared.stop) {
    const size_t item = shared.next++;
    if (item >= count) return;
    try {
      body(item, worker);
    } catch (...) {
      std::lock_guard lock(shared.mutex);
      if (!shared.failure) shared.failure = std::current_exception();
      shared.stop = true;
    }
  }
}

}  // namespace

void parallel_for(size_t count, int threads, const std::function<void(size_t, int)>& body) {
  const int team = static_cast<int>(std::min<size_t>(count, static_cast<size_t>(std::max(threads, 1))));
  if (team <= 1) {
    for (size_t item = 0; item < count; ++item) body(item, 0);
    return;
  }
  Shared shared;
  std::vector<std::thread> workers;
  for (int worker = 0; worker < team; ++worker) workers.emplace_back([&, worker] { work(shared, count, worker, body); });
  for (std::thread& worker : workers) worker.join();
  if (shared.failure) std::rethrow_exception(shared.failure);
}

int available_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace qtool
