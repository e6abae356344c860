#include "data/npy.h"

#include "data/input_spec.h"
#include "tests/fuzz/entry.h"

QTOOL_FUZZ_ENTRY(npy) {
  expect_error_at_most([&] {
    const auto source = open_memory(bytes);
    const Tensor array = read_npy(*open_range(*source, 0, bytes.size()));
    fit({"x", array.dtype(), {}, false, false}, array, false);
  });
  expect_error_at_most([&] {
    const auto source = open_memory(bytes);
    read_npy_text(*open_range(*source, 0, bytes.size()));
  });
}
