#pragma once
// Our own kernels on the OpenMP team that the primitives run on.

#include <cstdint>
#include <functional>

namespace qtool::onednn {

/// Calls body(first, last) for disjoint parts that make up [0, count): one in the calling thread where `bytes`, all that is read and
/// written, are too few to be worth waking others, else at most one a thread. body must not throw, and results must not depend on the
/// parts.
void in_parts(int threads, int64_t count, int64_t bytes, const std::function<void(int64_t first, int64_t last)>& body);

}  // namespace qtool::onednn
