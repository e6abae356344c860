#include "data/npz.h"

#include "tests/fuzz/entry.h"

QTOOL_FUZZ_ENTRY(npz) {
  expect_error_at_most([&] {
    const NpzReader npz(open_memory(bytes));
    for (const std::string& name : npz.names()) expect_error_at_most([&] { npz.load(name); });
  });
}
