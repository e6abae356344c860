#include <cmath>
#include <limits>

#include "tests/kernels/support.h"

namespace qtool::kernels {
namespace {

std::pair<float, float> extremes(const Variant<Extremes>& variant, const std::vector<float>& in) {
  float lo = 7, hi = -7;
  variant.run({in.data(), in.size(), &lo, &hi});
  return {lo, hi};
}

TEST_CASE("extremes: every variant equals the scalar twin") {
  const auto variant = any_variant<Extremes>();
  const size_t n = GENERATE(from_range(kLengths));
  const bool with_nan = GENERATE(false, true);
  std::mt19937 random(5);
  std::vector<float> in(n);
  for (float& x : in) x = std::uniform_real_distribution<float>(-3, 5)(random);
  for (size_t i = 0; with_nan && i < n; i += 7) in[i] = std::numeric_limits<float>::quiet_NaN();
  CHECK(extremes(variant, in) == extremes(scalar_twin<Extremes>(), in));
}

TEST_CASE("extremes: 0 is always within, infinities are found") {
  const auto variant = any_variant<Extremes>();
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK(extremes(variant, {}) == std::pair(0.0f, 0.0f));
  CHECK(extremes(variant, std::vector<float>(21, 2.5f)) == std::pair(0.0f, 2.5f));
  CHECK(extremes(variant, std::vector<float>(70, -2.5f)) == std::pair(-2.5f, 0.0f));
  CHECK(extremes(variant, {NAN, infinity, 1, -infinity}) == std::pair(-infinity, infinity));
}

}  // namespace
}  // namespace qtool::kernels
