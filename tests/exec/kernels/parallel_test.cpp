#include "exec/kernels/parallel.h"

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <vector>

namespace qtool::lowerings {
namespace {

TEST_CASE("in_parts: every item belongs to one part, and no part is empty") {
  const int threads = GENERATE(1, 2, 3, 7);
  const int64_t count = GENERATE(1, 2, 5, 1000), bytes = GENERATE(1, 1 << 20);
  std::vector<std::atomic<int>> visits(static_cast<size_t>(count));
  std::atomic<int> empty = 0;
  in_parts(threads, count, bytes, [&](int64_t first, int64_t last) {
    empty += first >= last;
    for (int64_t i = first; i < last; ++i) ++visits[static_cast<size_t>(i)];
  });
  CHECK(empty == 0);
  for (const auto& visited : visits) CHECK(visited == 1);
}

TEST_CASE("in_parts: little work stays in the calling thread") {
  int calls = 0;
  in_parts(4, 100, 100, [&](int64_t, int64_t) { ++calls; });
  CHECK(calls == 1);
}

}  // namespace
}  // namespace qtool::lowerings
