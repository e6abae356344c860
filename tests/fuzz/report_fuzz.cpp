#include "debug/fix.h"
#include "tests/fuzz/entry.h"

QTOOL_FUZZ_ENTRY(report) {
  expect_error_at_most([&] { debug::flags_of(std::string(bytes), "report.json"); });
}
