#include "tests/kernels/support.h"

namespace qtool::kernels {

namespace {

/// Eight a group, of all magnitudes.
std::vector<float> scales_of(size_t groups) {
  constexpr float kScales[8] = {0.1f, 3, 1e-30f, 0.7f, 5e-3f, 1, 1e20f, 0.3f};
  std::vector<float> scales(groups * 8);
  for (size_t i = 0; i < scales.size(); ++i) scales[i] = kScales[i % 8] * static_cast<float>(1 + i / 8);
  return scales;
}

}  // namespace

TEST_CASE("widen: every variant is the code times the scale of its column and group") {
  const auto variant = any_variant<Widen>();
  const size_t rows = GENERATE(0, 1, 2, 3, 8, 17), group = GENERATE(1, 2, 5, 16, 100);
  CAPTURE(rows, group);
  const auto bytes = random_bytes(rows * 8 + 1, 1);
  const auto* codes = reinterpret_cast<const int8_t*>(bytes.data()) + 1;  // not aligned
  const std::vector<float> scale = scales_of(rows / group + 1);
  Guarded<float> out(rows * 8), expected(rows * 8);
  for (size_t i = 0; i < rows * 8; ++i) expected.data()[i] = static_cast<float>(codes[i]) * scale[i / 8 / group * 8 + i % 8];
  variant.run({codes, scale.data(), out.data(), rows, group});
  CHECK(out == expected);
}

TEST_CASE("widen_nibbles: every variant takes the zero point off and scales, two rows a byte") {
  const auto variant = any_variant<WidenNibbles>();
  const size_t rows = GENERATE(0, 1, 2, 3, 8, 17, 64), group = GENERATE(2, 6, 16, 100);
  CAPTURE(rows, group);
  const size_t groups = rows / group + 1;
  const auto codes = random_bytes((rows + 1) / 2 * 8, 1), any = random_bytes(groups * 8, 2);
  std::vector<uint8_t> zero(any.begin(), any.end());
  for (uint8_t& z : zero) z &= 15;
  const std::vector<float> scale = scales_of(groups);
  Guarded<float> out(rows * 8), expected(rows * 8);
  for (size_t k = 0; k < rows; ++k)
    for (size_t n = 0; n < 8; ++n) {
      const int byte = static_cast<uint8_t>(codes[k / 2 * 8 + n]), code = k % 2 ? byte / 16 : byte % 16;
      const size_t at = k / group * 8 + n;
      expected.data()[k * 8 + n] = static_cast<float>(code - zero[at]) * scale[at];
    }
  variant.run({reinterpret_cast<const uint8_t*>(codes.data()), scale.data(), zero.data(), out.data(), rows, group});
  CHECK(out == expected);
}

}  // namespace qtool::kernels
