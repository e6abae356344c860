#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "tests/kernels/support.h"

namespace qtool::kernels {
namespace {

/// Numbers whose products round.
std::vector<float> numbers(size_t n, uint32_t seed) {
  std::vector<float> values;
  for (const uint8_t byte : random_bytes(n, seed)) values.push_back(static_cast<float>(byte) * 0.37f - 40);
  return values;
}

}  // namespace

TEST_CASE("gemv: every variant equals the scalar twin") {
  const auto variant = any_variant<Gemv>();
  const size_t k = GENERATE(1, 3, 4, 5, 64), n = GENERATE(1, 15, 16, 17, 256);
  const auto in = numbers(k, 1), weights = numbers(k * n, 2), start = numbers(n, 3);
  Guarded<float> out(n), expected(n);
  std::copy(start.begin(), start.end(), out.data());
  std::copy(start.begin(), start.end(), expected.data());
  variant.run({in.data(), weights.data(), out.data(), k, n});
  scalar_twin<Gemv>().run({in.data(), weights.data(), expected.data(), k, n});
  CHECK(out == expected);
}

TEST_CASE("gemv: adds products to what is there") {
  const float in[] = {2, 3}, weights[] = {1, 10, 100, 1000};
  float out[] = {5, 7};
  any_variant<Gemv>().run({in, weights, out, 2, 2});
  CHECK(out[0] == 5 + 2 + 300);
  CHECK(out[1] == 7 + 20 + 3000);
}

}  // namespace qtool::kernels
