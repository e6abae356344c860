#include "observe/stats.h"

#include "tests/fuzz/entry.h"

QTOOL_FUZZ_ENTRY(stats) {
  expect_error_at_most([&] {
    const Stats stats = Stats::parse(bytes, "s.json");
    if (!(Stats::parse(stats.to_json(), "again") == stats)) throw bug("statistics changed on their way through JSON");
  });
}
