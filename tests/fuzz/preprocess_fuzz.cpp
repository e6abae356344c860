#include "data/preprocess.h"

#include "tests/fuzz/entry.h"

QTOOL_FUZZ_ENTRY(preprocess) {
  expect_error_at_most([&] {
    const Preprocess steps = parse_preprocess(bytes, "p.json");
    const auto small = [](const std::optional<Size>& size) { return !size || int64_t{size->height} * size->width < 10000; };
    if (!small(steps.resize) || !small(steps.pad) || steps.short_side.value_or(0) > 100) return;
    preprocess(steps, make_image(20, 30, 3), DType::float32);
  });
}
