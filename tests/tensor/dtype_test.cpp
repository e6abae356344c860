#include "tensor/dtype.h"

#include <bit>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>

using namespace qtool;

namespace {

/// The float16 nearest to `value` by search over all of them: ties to the even mantissa.
uint16_t nearest_half(double value) {
  uint16_t best = 0;
  double distance = std::numeric_limits<double>::infinity();
  for (uint32_t bits = 0; bits < 0x7c00; ++bits) {
    const double d = std::fabs(to_float(Float16{static_cast<uint16_t>(bits)}) - std::fabs(value));
    if (d < distance || (d == distance && bits % 2 == 0)) {
      distance = d;
      best = static_cast<uint16_t>(bits);
    }
  }
  return static_cast<uint16_t>(best | (std::signbit(value) ? 0x8000 : 0));
}

}  // namespace

TEST_CASE("float16: every value survives the way to float and back") {
  for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const Float16 half{static_cast<uint16_t>(bits)};
    const float wide = to_float(half);
    if (std::isnan(wide))
      REQUIRE(std::isnan(to_float(to_float16(wide))));
    else
      REQUIRE(to_float16(wide) == half);
  }
}

TEST_CASE("float16: known values") {
  CHECK(to_float(Float16{0x3c00}) == 1.0f);
  CHECK(to_float(Float16{0xc000}) == -2.0f);
  CHECK(to_float(Float16{0x0001}) == 0x1p-24f);
  CHECK(to_float(Float16{0x7bff}) == 65504.0f);
  CHECK(std::isinf(to_float(Float16{0x7c00})));
}

TEST_CASE("float16: rounds to nearest, ties to even, in normal and subnormal range") {
  for (const float x : {0.1f, -0.3333333f, 1.00048828125f, 1.00146484375f, 2049.0f, 2051.0f, 65519.0f, 0x1p-25f, 0x1.8p-24f,
                        0x1.000002p-25f, 6.0975e-5f, 0x1.ffcp-15f, 0x1.ffep-15f, 1e-10f})
    CHECK(to_float16(x).bits == nearest_half(x));
  CHECK(to_float16(65520.0f).bits == 0x7c00);
  CHECK(to_float16(-1e30f).bits == 0xfc00);
}

TEST_CASE("bfloat16: every value survives the way to float and back") {
  for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const BFloat16 half{static_cast<uint16_t>(bits)};
    const float wide = to_float(half);
    if (std::isnan(wide))
      REQUIRE(std::isnan(to_float(to_bfloat16(wide))));
    else
      REQUIRE(to_bfloat16(wide) == half);
  }
}

TEST_CASE("bfloat16: rounds to nearest, ties to even; a NaN stays one") {
  CHECK(to_bfloat16(std::bit_cast<float>(0x3f808000u)).bits == 0x3f80);
  CHECK(to_bfloat16(std::bit_cast<float>(0x3f818000u)).bits == 0x3f82);
  CHECK(to_bfloat16(std::bit_cast<float>(0x3f808001u)).bits == 0x3f81);
  CHECK(to_bfloat16(std::numeric_limits<float>::max()).bits == 0x7f80);
  CHECK(std::isnan(to_float(to_bfloat16(std::bit_cast<float>(0x7f800001u)))));
}

TEST_CASE("dtypes: the numbers are ONNX's, names go both ways") {
  CHECK(static_cast<int>(DType::float32) == 1);
  CHECK(static_cast<int>(DType::int4) == 22);
  for (int i = 0; i <= 26; ++i) CHECK(dtype_named(name_of(static_cast<DType>(i))) == static_cast<DType>(i));
  CHECK_FALSE(dtype_named("float"));
}

TEST_CASE("dtypes: what is an integer, what is signed, how wide") {
  CHECK(is_integer(DType::uint4));
  CHECK_FALSE(is_integer(DType::boolean));
  CHECK(is_signed(DType::int2));
  CHECK_FALSE(is_signed(DType::uint64));
  CHECK(is_floating(DType::float8e5m2));
  CHECK(bit_width(DType::int4) == 4);
  CHECK(element_size(DType::int4) == 1);
  CHECK(element_size(DType::string) == 0);
}
