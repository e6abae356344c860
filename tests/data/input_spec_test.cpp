#include "data/input_spec.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_all.hpp>
#include <limits>

#include "tests/data/support.h"

using namespace qtool;
using namespace qtool::test;

namespace {

InputSpec input(DType dtype, std::vector<int64_t> dims) { return {"x", dtype, std::move(dims), true, false}; }

std::string told(const InputSpec& spec, const Tensor& tensor) {
  return error_of([&] { fit(spec, tensor, false); });
}

Shape fed_shape(const InputSpec& spec, const Shape& shape) { return fitting_shape(spec, DType::float32, shape); }

}  // namespace

TEST_CASE("inputs: fixed dimensions must match, dynamic ones take anything") {
  const InputSpec spec = input(DType::float32, {-1, 3, -1});
  CHECK(fed_shape(spec, {5, 3, 0}) == Shape{5, 3, 0});
  CHECK(told(spec, Tensor::zeros(DType::float32, {5, 4, 2})) == "3: input \"x\": expected float32 ?x3x?, found float32 5x4x2");
  CHECK(told(spec, Tensor::zeros(DType::float32, {5})) == "3: input \"x\": expected float32 ?x3x?, found float32 5");
}

TEST_CASE("inputs: a missing batch dimension is added where it can be 1") {
  CHECK(fed_shape(input(DType::float32, {-1, 3, 4}), {3, 4}) == Shape{1, 3, 4});
  CHECK(fed_shape(input(DType::float32, {1, 3, 4}), {3, 4}) == Shape{1, 3, 4});
  CHECK(fed_shape(input(DType::float32, {1}), {}) == Shape{1});
  CHECK(told(input(DType::float32, {8, 3}), Tensor::zeros(DType::float32, {3})) == "3: input \"x\": expected float32 8x3, found float32 3");
}

TEST_CASE("inputs: without a rank any shape fits as it is") {
  const InputSpec spec{"x", DType::float32, {}, false, false};
  CHECK(fed_shape(spec, {2, 3}) == Shape{2, 3});
  CHECK(told(spec, Tensor::zeros(DType::int32, {2})) == "3: input \"x\": expected float32 of any shape, found int32 2");
}

TEST_CASE("inputs: only conversions that lose nothing are made") {
  const auto [from, to, accepted] = GENERATE(table<DType, DType, bool>({{DType::float64, DType::float32, true},
                                                                        {DType::int32, DType::int64, true},
                                                                        {DType::uint8, DType::int32, true},
                                                                        {DType::uint8, DType::int16, true},
                                                                        {DType::uint16, DType::uint64, true},
                                                                        {DType::int64, DType::int32, false},
                                                                        {DType::int8, DType::uint16, false},
                                                                        {DType::uint8, DType::int8, false},
                                                                        {DType::uint32, DType::int32, false},
                                                                        {DType::uint8, DType::float32, false},
                                                                        {DType::int32, DType::float32, false},
                                                                        {DType::float32, DType::float64, false},
                                                                        {DType::float32, DType::float16, false},
                                                                        {DType::float64, DType::float16, false},
                                                                        {DType::boolean, DType::uint8, false},
                                                                        {DType::uint8, DType::boolean, false}}));
  INFO(name_of(from) << " " << name_of(to));
  const InputSpec spec = input(to, {2});
  const Tensor tensor = Tensor::of<bool>({2}, {true, false}).cast(from);
  if (accepted)
    CHECK(fit(spec, tensor, false) == tensor.cast(to));
  else
    CHECK(told(spec, tensor).starts_with("3: input \"x\": expected "));
}

TEST_CASE("inputs: float64 beyond float32 is an error, infinity is none") {
  CHECK(told(input(DType::float32, {2}), Tensor::of<double>({2}, {0, 1e39})) ==
        "3: input \"x\": expected float32, found 1e+39 at element 1");
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(told(input(DType::float32, {1}), Tensor::of<double>({1}, {-infinity})) == "none");
}

TEST_CASE("inputs: NaN is named with its place, in every floating type") {
  const DType dtype = GENERATE(DType::float32, DType::float64, DType::float16, DType::bfloat16);
  std::vector<float> values(100, 1.0f);
  values[1] = std::numeric_limits<float>::infinity();
  const Tensor fine = Tensor::of<float>({10, 10}, values).cast(dtype);
  values[73] = std::numeric_limits<float>::quiet_NaN();
  const Tensor broken = Tensor::of<float>({10, 10}, values).cast(dtype);
  CHECK(told(input(dtype, {10, 10}), fine) == "none");
  CHECK(told(input(dtype, {10, 10}), broken) == "3: input \"x\": expected numbers, found NaN at element 73 of 10x10");
  CHECK(fit(input(dtype, {10, 10}), broken, true) == broken);
}

TEST_CASE("inputs: raw bytes get the shape of the model") {
  CHECK(shape_of_raw(input(DType::float32, {1, 3, 2}), 24) == Shape{1, 3, 2});
  CHECK(shape_of_raw(input(DType::float32, {-1, 3, 2}), 48) == Shape{2, 3, 2});
  CHECK(shape_of_raw(input(DType::int64, {-1, -1, 2}), 48) == Shape{1, 3, 2});
  CHECK(error_of([] { shape_of_raw(input(DType::float32, {1, 3}), 8); }) == "3: input \"x\": expected float32 1x3, found 8 raw bytes");
  CHECK(error_of([] { shape_of_raw(input(DType::float32, {-1, 3}), 8); }).starts_with("3: "));
  CHECK(error_of([] { shape_of_raw(input(DType::float32, {-1, 0}), 8); }).starts_with("3: "));
  CHECK(error_of([] { shape_of_raw(input(DType::float32, {-1, -1, -1}), 8); }).ends_with("leave several dimensions open"));
}
