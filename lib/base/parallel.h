#pragma once
// parallel_for over independent items; item i may run on any worker, results must not depend on which.

#include <cstddef>
#include <functional>

namespace qtool {

/// Calls body(item, worker) for every item in [0, count), worker in [0, threads). Items start in order. The first exception
/// stops new items and is rethrown here. threads <= 1 runs in the calling thread.
void parallel_for(size_t count, int threads, const std::function<void(size_t item, int worker)>& body);

/// Number of cores this process may use.
int available_cores();

}  // namespace qtool
