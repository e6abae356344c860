#include <cmath>
#include <limits>

#include "tests/kernels/support.h"

namespace qtool::kernels {
namespace {

/// Values where rounding goes wrong first: ties, their neighbours, borders of saturation, infinities, NaN, tiny and huge ones.
std::vector<float> hard_values(size_t n, float scale, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<float> values(n);
  for (auto& x : values) {
    const float tie = (static_cast<float>(static_cast<int>(random() % 600) - 300) + 0.5f) * scale;
    switch (random() % 8) {
      case 0:
        x = tie;
        break;
      case 1:
        x = std::nextafter(tie, 1e9f);
        break;
      case 2:
        x = std::nextafter(tie, -1e9f);
        break;
      case 3:
        x = std::numeric_limits<float>::infinity() * (random() % 2 ? 1 : -1);
        break;
      case 4:
        x = std::numeric_limits<float>::quiet_NaN();
        break;
      case 5:
        x = 1e30f * (random() % 2 ? 1 : -1);
        break;
      default:
        x = std::uniform_real_distribution<float>(-200 * scale, 200 * scale)(random);
    }
  }
  return values;
}

struct Codes {
  int zero_point, lo, hi;
};

TEST_CASE("quantize: every variant equals the scalar twin") {
  const auto variant = any_variant<Quantize>();
  const size_t n = GENERATE(from_range(kLengths));
  const float scale = GENERATE(0.0173f, 0.25f, 1.0f, 3e-39f, 1e-30f, 7e20f);
  const Codes codes = GENERATE(Codes{0, 0, 255}, Codes{117, 0, 255}, Codes{-3, -128, 127}, Codes{0, -127, 127}, Codes{255, 0, 255});
  const auto in = hard_values(n, scale, 7);
  Guarded<uint8_t> out(n), expected(n);
  variant.run({in.data(), out.data(), n, scale, codes.zero_point, codes.lo, codes.hi});
  scalar_twin<Quantize>().run({in.data(), expected.data(), n, scale, codes.zero_point, codes.lo, codes.hi});
  CHECK(out == expected);
}

TEST_CASE("quantize: divides and rounds ties to even") {
  const std::vector<float> in{0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 300.0f, -300.0f, NAN};
  std::vector<uint8_t> out(in.size());
  any_variant<Quantize>().run({in.data(), out.data(), in.size(), 1.0f, 10, 0, 255});
  CHECK(out == std::vector<uint8_t>{10, 12, 12, 10, 8, 255, 0, 10});
}

TEST_CASE("dequantize: every variant equals the scalar twin") {
  const auto variant = any_variant<Dequantize>();
  const size_t n = GENERATE(from_range(kLengths));
  const bool is_signed = GENERATE(false, true);
  const auto in = random_bytes(n, 3);
  Guarded<float> out(n), expected(n);
  variant.run({in.data(), out.data(), n, 0.0173f, 5, is_signed});
  scalar_twin<Dequantize>().run({in.data(), expected.data(), n, 0.0173f, 5, is_signed});
  CHECK(out == expected);
}

}  // namespace
}  // namespace qtool::kernels
