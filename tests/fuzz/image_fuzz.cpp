#include "data/image.h"

#include "data/resample.h"
#include "tests/fuzz/entry.h"

QTOOL_FUZZ_ENTRY(image) {
  expect_error_at_most([&] {
    if (bytes.size() > size_t{1} << 16) return;  // time goes into many files, not into large ones
    const Image image = decode_image(bytes);
    resize(image, 7, 5, Interpolation::bicubic);
  });
}
