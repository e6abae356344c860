#include "data/labels.h"

#include "tests/fuzz/entry.h"

QTOOL_FUZZ_ENTRY(labels) {
  expect_error_at_most([&] { Labels::parse(bytes, "l.csv").find("0.png"); });
}
