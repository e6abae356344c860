#include "tensor/quant_math.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_all.hpp>
#include <cmath>

using namespace qtool;

namespace {

constexpr CodeRange kU8{0, 255}, kS8{-128, 127}, kWeight{-127, 127};
constexpr float kEps = 1.1920928955078125e-7f;

}  // namespace

TEST_CASE("quantize: ties go to even before the zero point is added") {
  const auto [x, code] = GENERATE(table<float, int>({{0.5f, 11}, {1.5f, 13}, {2.5f, 13}, {-0.5f, 11}, {-1.5f, 9}, {0.49999997f, 11}}));
  CHECK(quantize_value(x, 1.0f, 11, kU8) == code);
}

TEST_CASE("quantize: divides, where the reciprocal would give another code") {
  int differing = 0;
  for (int i = 1; i < 20000; ++i) {
    const float scale = 0.001f * static_cast<float>(i), x = 2.5f * scale;
    const int code = quantize_value(x, scale, 0, kU8);
    CHECK(code == static_cast<int>(std::nearbyint(x / scale)));
    differing += code != static_cast<int>(std::nearbyint(x * (1.0f / scale)));
  }
  CHECK(differing > 0);
}

TEST_CASE("quantize: saturates at the codes allowed; infinities and NaN have a code") {
  CHECK(quantize_value(1e30f, 1e-30f, 3, kU8) == 255);
  CHECK(quantize_value(-1e30f, 1.0f, 3, kU8) == 0);
  CHECK(quantize_value(-128.0f, 1.0f, 0, kWeight) == -127);
  CHECK(quantize_value(INFINITY, 1.0f, 0, kS8) == 127);
  CHECK(quantize_value(-INFINITY, 1.0f, 0, kS8) == -128);
  CHECK(quantize_value(NAN, 1.0f, 5, kS8) == 5);
}

TEST_CASE("full_range: all codes of a type") {
  CHECK(full_range(DType::uint8) == kU8);
  CHECK(full_range(DType::int8) == kS8);
  CHECK(full_range(DType::int4) == CodeRange{-8, 7});
  CHECK(full_range(DType::uint16) == CodeRange{0, 65535});
  CHECK(full_range(DType::int32) == CodeRange{-2147483648LL, 2147483647LL});
  CHECK_THROWS_AS(full_range(DType::float32), Error);
}

TEST_CASE("affine: zero is always exactly a code") {
  const auto [lo, hi, scale, zero_point] = GENERATE(table<float, float, float, int>(
      {{-1, 1.55f, 0.01f, 100}, {0, 2.55f, 0.01f, 0}, {1, 2.55f, 0.01f, 0}, {-2.55f, -1, 0.01f, 255}, {-2.55f, 0, 0.01f, 255}}));
  const QuantParams params = affine_params(lo, hi, DType::uint8, kU8, kEps);
  CHECK(params.scale() == scale);
  CHECK(params.zero_point() == zero_point);
  CHECK(dequantize_value(params.zero_point(), params.scale(), params.zero_point()) == 0.0f);
}

TEST_CASE("affine: empty, constant and tiny ranges give a valid scale") {
  for (const auto& [lo, hi] : {std::pair{0.0f, 0.0f}, {1e-45f, 1e-45f}, {-1e-40f, 1e-40f}}) {
    const QuantParams params = affine_params(lo, hi, DType::uint8, kU8, 0);
    CHECK(params.scale() > 0);
    CHECK(std::isfinite(1 / params.scale()));
    CHECK(params.zero_point() >= 0);
    CHECK(params.zero_point() <= 255);
  }
  CHECK(affine_params(0, 0, DType::uint8, kU8, kEps).scale() == kEps);
}

TEST_CASE("affine: the widest range there is") {
  const float huge = std::numeric_limits<float>::max();
  const QuantParams params = affine_params(-huge, huge, DType::int8, kS8, kEps);
  CHECK(std::isfinite(params.scale()));
  CHECK(std::abs(params.zero_point()) <= 1);
}

TEST_CASE("symmetric: torch's scale, zero point 0 or the middle") {
  const QuantParams weight = symmetric_params(-1.27f, 1, DType::int8, kWeight, kEps);
  CHECK(weight.scale() == 0.01f);
  CHECK(weight.zero_point() == 0);
  CHECK(symmetric_params(-1, 1, DType::int8, kS8, kEps).scale() == 1 / 127.5f);
  CHECK(symmetric_params(-1, 1, DType::uint8, kU8, kEps).zero_point() == 128);
  CHECK(symmetric_params(0, 0, DType::int8, kWeight, kEps).scale() == kEps);
}

TEST_CASE("quantize, dequantize: per tensor and per channel") {
  const Tensor x = Tensor::of<float>({2, 2}, {1, 2, 3, 4});
  const QuantParams both{DType::int8, -1, {0.5f}, {1}};
  CHECK(quantize(x, both, kS8) == Tensor::of<int8_t>({2, 2}, {3, 5, 7, 9}));
  const QuantParams columns{DType::int8, 1, {0.5f, 0.25f}, {0, 10}};
  const Tensor codes = quantize(x, columns, kS8);
  CHECK(codes == Tensor::of<int8_t>({2, 2}, {2, 18, 6, 26}));
  CHECK(dequantize(codes, columns) == x);
  const QuantParams wrong{DType::int8, 1, {0.5f}, {0}};
  CHECK_THROWS_AS(quantize(x, wrong, kS8), Error);
}

TEST_CASE("fake quantize: a second time changes nothing") {
  std::vector<float> values;
  for (int i = -50; i < 50; ++i) values.push_back(0.037f * static_cast<float>(i * i * i) / 100);
  const Tensor x = Tensor::of<float>({100}, values);
  const QuantParams params = affine_params(-20, 30, DType::uint8, kU8, kEps);
  const Tensor once = fake_quantize(x, params, kU8);
  CHECK(fake_quantize(once, params, kU8) == once);
}
