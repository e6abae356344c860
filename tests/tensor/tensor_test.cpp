#include "tensor/tensor.h"

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>

#include "tests/base/code_of.h"

using namespace qtool;
using test::code_of;

TEST_CASE("shapes: counts, words, strides") {
  CHECK(element_count({2, 3, 4}) == 24);
  CHECK(element_count({}) == 1);
  CHECK(element_count({5, 0}) == 0);
  CHECK(product({2, 3, 4}, 1, 3) == 12);
  CHECK(to_string(Shape{1, 3, 224}) == "1x3x224");
  CHECK(to_string(Shape{}) == "scalar");
  CHECK(strides_of({2, 3, 4}) == Shape{12, 4, 1});
}

TEST_CASE("shapes: absurd ones are errors of the file, not overflows") {
  CHECK(code_of([] { element_count({1 << 30, 1 << 30, 1 << 30}); }) == ExitCode::invalid_file);
  CHECK(code_of([] { element_count({-1, 2}); }) == ExitCode::invalid_file);
  CHECK(code_of([] { Tensor(DType::float32, {int64_t{1} << 62}); }) == ExitCode::invalid_file);
  CHECK(code_of([] { Tensor(DType::float32, {int64_t{1} << 62}, Buffer::allocate(16)); }) == ExitCode::invalid_file);
  CHECK(strides_of({0, int64_t{1} << 40, int64_t{1} << 40}).size() == 3);
}

TEST_CASE("shapes: axes count from the back too") {
  CHECK(normalize_axis(-1, 4) == 3);
  CHECK(normalize_axis(3, 4) == 3);
  CHECK(code_of([] { normalize_axis(4, 4); }) == ExitCode::invalid_file);
  CHECK(code_of([] { normalize_axis(-5, 4); }) == ExitCode::invalid_file);
}

TEST_CASE("shapes: broadcasting as numpy's") {
  CHECK(broadcast({3, 1}, {4}) == Shape{3, 4});
  CHECK(broadcast({}, {2}) == Shape{2});
  CHECK(broadcast({0}, {1}) == Shape{0});
  CHECK(code_of([] { broadcast({2}, {3}); }) == ExitCode::invalid_file);
}

TEST_CASE("tensor: a copy shares the bytes until one is written") {
  Tensor a = Tensor::of<float>({2}, {1, 2});
  const Tensor b = a;
  CHECK(a.bytes() == b.bytes());
  a.mutable_data<float>()[0] = 5;
  CHECK(b.floats()[0] == 1);
  CHECK(a.floats()[0] == 5);
}

TEST_CASE("tensor: writing to memory that is only borrowed copies it") {
  const float outside[] = {1, 2};
  Tensor tensor(DType::float32, {2}, Buffer::borrow(outside, sizeof(outside), nullptr));
  tensor.mutable_data<float>()[0] = 9;
  CHECK(outside[0] == 1);
  CHECK(tensor.floats()[0] == 9);
}

TEST_CASE("tensor: elements are read as the type they have") {
  const Tensor tensor = Tensor::of<int8_t>({2}, {-1, 2});
  CHECK(code_of([&] { tensor.floats(); }) == ExitCode::bug);
  const Tensor small(DType::int4, {2}, Buffer::borrow("\xff\x02", 2, nullptr));
  CHECK(small.data<int8_t>()[0] == -1);
  CHECK(code_of([&] { small.data<uint8_t>(); }) == ExitCode::bug);
  CHECK(tensor.to_ints() == std::vector<int64_t>{-1, 2});
  CHECK(tensor.to_floats() == std::vector<float>{-1, 2});
  CHECK(code_of([&] { tensor.number_at(2); }) == ExitCode::bug);
}

TEST_CASE("tensor: another shape of the same size") {
  const Tensor tensor = Tensor::of<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(tensor.reshaped({3, 2}).bytes() == tensor.bytes());
  CHECK(code_of([&] { tensor.reshaped({4}); }) == ExitCode::invalid_file);
}

TEST_CASE("tensor: a buffer too small is our mistake") {
  CHECK(code_of([] { Tensor(DType::float32, {5}, Buffer::allocate(19)); }) == ExitCode::bug);
}

TEST_CASE("tensor: equality is of type, shape and bits") {
  const Tensor one = Tensor::of<float>({2}, {0.0f, std::nanf("")});
  CHECK(one == Tensor::of<float>({2}, {0.0f, std::nanf("")}));
  CHECK_FALSE(one == Tensor::of<float>({2}, {-0.0f, std::nanf("")}));
  CHECK_FALSE(one == one.reshaped({1, 2}));
  CHECK(Tensor::of_strings({1}, {"a"}) == Tensor::of_strings({1}, {"a"}));
  CHECK_FALSE(Tensor::of_strings({1}, {"a"}) == Tensor::of_strings({1}, {"b"}));
  CHECK(Tensor() == Tensor());
}

TEST_CASE("cast: floats truncate towards zero and saturate") {
  const Tensor x = Tensor::of<float>({6}, {1.9f, -1.9f, 300, -300, INFINITY, NAN});
  CHECK(x.cast(DType::int8) == Tensor::of<int8_t>({6}, {1, -1, 127, -128, 127, 0}));
  CHECK(x.cast(DType::uint8) == Tensor::of<uint8_t>({6}, {1, 0, 255, 0, 255, 0}));
  CHECK(x.cast(DType::int64).data<int64_t>()[4] == std::numeric_limits<int64_t>::max());
  CHECK(x.cast(DType::boolean).data<bool>()[5]);
}

TEST_CASE("cast: integers wrap, as in numpy") {
  CHECK(Tensor::of<int32_t>({3}, {300, -1, 128}).cast(DType::int8) == Tensor::of<int8_t>({3}, {44, -1, -128}));
  CHECK(Tensor::of<int64_t>({1}, {-1}).cast(DType::uint8) == Tensor::of<uint8_t>({1}, {255}));
}

TEST_CASE("cast: int64 to float32 rounds once") {
  const int64_t above_a_tie = (int64_t{1} << 53) + (int64_t{1} << 29) + 1;  // by way of double it becomes the tie and goes down
  CHECK(Tensor::of<int64_t>({1}, {above_a_tie}).cast(DType::float32).floats()[0] == 0x1p53f + 0x1p30f);
}

TEST_CASE("cast: half types by way of float32") {
  CHECK(Tensor::of<float>({1}, {0.1f}).cast(DType::float16) == Tensor::of<Float16>({1}, {to_float16(0.1f)}));
  CHECK(Tensor::of<Float16>({1}, {{0x3c00}}).cast(DType::int32) == Tensor::of<int32_t>({1}, {1}));
  CHECK(Tensor::of<bool>({2}, {true, false}).cast(DType::bfloat16) == Tensor::of<BFloat16>({2}, {{0x3f80}, {0}}));
}
