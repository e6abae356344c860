#include "tests/kernels/support.h"

namespace qtool::kernels {

TEST_CASE("widen: every variant is the code times the scale of its column") {
  const auto variant = any_variant<Widen>();
  const size_t rows = GENERATE(0, 1, 2, 3, 8, 17);
  CAPTURE(rows);
  const auto bytes = random_bytes(rows * 8 + 1, 1);
  const auto* codes = reinterpret_cast<const int8_t*>(bytes.data()) + 1;  // not aligned
  const float scale[8] = {0.1f, 3, 1e-30f, 0.7f, 5e-3f, 1, 1e20f, 0.3f};
  Guarded<float> out(rows * 8), expected(rows * 8);
  for (size_t i = 0; i < rows * 8; ++i) expected.data()[i] = static_cast<float>(codes[i]) * scale[i % 8];
  variant.run({codes, scale, out.data(), rows});
  CHECK(out == expected);
}

}  // namespace qtool::kernels
