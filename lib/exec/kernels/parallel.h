#pragma once
// Our own kernels by several threads.

#include <cstdint>
#include <functional>

namespace qtool::lowerings {

/// Calls body(first, last) for disjoint parts that make up [0, count): one in the calling thread where `bytes`, all that is read and
/// written, are too few to be worth waking others, else at most one a thread. body must not throw, and results must not depend on the
/// parts. The threads are the OpenMP team that oneDNN's primitives run on, where there is oneDNN.
void in_parts(int threads, int64_t count, int64_t bytes, const std::function<void(int64_t first, int64_t last)>& body);

}  // namespace qtool::lowerings
