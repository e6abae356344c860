#include "data/npy.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_all.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <numeric>

#include "tests/data/support.h"

using namespace qtool;
using namespace qtool::test;
using Catch::Matchers::ContainsSubstring;

namespace {

Tensor load(const std::string& bytes, const ArrayCheck& check = {}) {
  const auto source = open_memory(bytes);
  return read_npy(*open_range(*source, 0, source->size()), check);
}

Tensor load_golden(const std::string& name) { return load(bytes_of_file(kGoldens + "npy/" + name + ".npy")); }

std::string to_bytes(const Tensor& tensor) {
  const Tensor stored = as_stored(tensor);
  return npy_prefix(stored) + std::string(reinterpret_cast<const char*>(stored.bytes()), stored.byte_size());
}

/// 0, 1, 2, ... as the goldens hold.
Tensor counted(DType dtype, Shape shape) {
  std::vector<int64_t> values(static_cast<size_t>(element_count(shape)));
  std::iota(values.begin(), values.end(), 0);
  return Tensor::of<int64_t>(std::move(shape), values).cast(dtype);
}

std::string with_header(const std::string& text, size_t data_bytes) {
  std::string bytes("\x93NUMPY\x01\0", 8);
  bytes += static_cast<char>(text.size() & 255);
  bytes += static_cast<char>(text.size() >> 8);
  return bytes + text + std::string(data_bytes, '\0');
}

}  // namespace

TEST_CASE("npy: every type that numpy and ONNX share is read as numpy wrote it") {
  const auto [name, dtype] = GENERATE(table<std::string, DType>({{"f4", DType::float32},
                                                                 {"f8", DType::float64},
                                                                 {"f2", DType::float16},
                                                                 {"i1", DType::int8},
                                                                 {"i2", DType::int16},
                                                                 {"i4", DType::int32},
                                                                 {"i8", DType::int64},
                                                                 {"u1", DType::uint8},
                                                                 {"u2", DType::uint16},
                                                                 {"u4", DType::uint32},
                                                                 {"u8", DType::uint64}}));
  CHECK(load_golden(name) == counted(dtype, {2, 3, 4}));
}

TEST_CASE("npy: our bytes are numpy's bytes") {
  const auto name = GENERATE("f4", "f8", "f2", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "bool", "scalar", "empty", "one_dim");
  INFO(name);
  CHECK(to_bytes(load_golden(name)) == bytes_of_file(kGoldens + "npy/" + name + ".npy"));
}

TEST_CASE("npy: bool") {
  const Tensor tensor = load_golden("bool");
  REQUIRE(tensor.dtype() == DType::boolean);
  CHECK(tensor.number_at(0) == 0);
  CHECK(tensor.number_at(1) == 1);
}

TEST_CASE("npy: column-major arrays are read in row-major order") {
  CHECK(load_golden("fortran") == counted(DType::float32, {2, 3, 4}));
  CHECK(load_golden("fortran_i2") == counted(DType::int16, {5, 7}));
}

TEST_CASE("npy: format versions 1, 2 and 3") {
  CHECK(load_golden("version_" + std::to_string(GENERATE(1, 2, 3))) == counted(DType::float32, {2, 3, 4}));
}

TEST_CASE("npy: scalars, empty and one-dimensional arrays") {
  CHECK(load_golden("scalar") == Tensor::scalar(7.0f));
  CHECK(load_golden("empty").shape() == Shape{0, 3});
  CHECK(load_golden("one_dim") == counted(DType::float32, {5}));
}

TEST_CASE("npy: what ONNX has no type for is refused by name") {
  const auto [name, message] = GENERATE(table<std::string, std::string>({{"refused_big_endian", "big-endian array (>f4)"},
                                                                         {"refused_structured", "structured types"},
                                                                         {"refused_object", "pickled objects"},
                                                                         {"refused_text", "numpy type \"<U2\""}}));
  CHECK_THAT(error_of([&] { load_golden(name); }), ContainsSubstring(message));
}

TEST_CASE("npy: damaged headers are refused with what was expected") {
  const auto [text, message] = GENERATE(
      table<std::string, std::string>({{"", "expected '{'"},
                                       {"{'descr': '<f4'}", "is missing"},
                                       {"{'descr': '<f4', 'fortran_order': 0, 'shape': ()}", "expected True or False"},
                                       {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}", "once each"},
                                       {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "expected a dimension"},
                                       {"{'descr': '<f4', 'fortran_order': False, 'shape': (1 2)}", "expected ')'"},
                                       {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x", "nothing after"},
                                       {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 99999999999)}", "too large"},
                                       {"{'descr': '<f4', 'fortran_order': False, 'shape': (999999999999999999,)}", "found 4"},
                                       {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", "needs 2 x 4 bytes, found 4"},
                                       {"{'descr': '<f4', 'fortran_order': False, 'shape': ()", "expected '}'"}}));
  CHECK_THAT(error_of([&] { load(with_header(text, 4)); }), ContainsSubstring(message) && Catch::Matchers::StartsWith("3: "));
}

TEST_CASE("npy: truncated anywhere it is an error") {
  const std::string whole = bytes_of_file(kGoldens + "npy/f4.npy");
  for (size_t size = 0; size < whole.size(); ++size) CHECK(error_of([&] { load(whole.substr(0, size)); }).starts_with("3: "));
}

TEST_CASE("npy: a bool that is neither 0 nor 1 is an error") {
  std::string bytes = bytes_of_file(kGoldens + "npy/bool.npy");
  bytes.back() = 2;
  CHECK_THAT(error_of([&] { load(bytes); }), ContainsSubstring("byte 2 at element 23"));
}

TEST_CASE("npy: the check sees type and shape and can refuse") {
  const auto refuse = [](DType dtype, const Shape& shape) { throw invalid_file(std::string(name_of(dtype)) + to_string(shape)); };
  CHECK(error_of([&] { load(bytes_of_file(kGoldens + "npy/u2.npy"), refuse); }) == "3: uint162x3x4");
}

TEST_CASE("npy: types that numpy lacks are stored as unsigned integers") {
  CHECK(load(to_bytes(Tensor::of<BFloat16>({2}, {{0x3f80}, {0xbf80}}))) == Tensor::of<uint16_t>({2}, {0x3f80, 0xbf80}));
  const Tensor small(DType::int4, {3}, Buffer::borrow("\xff\x07\xf8", 3, nullptr));  // -1, 7, -8
  CHECK(load(to_bytes(small)) == Tensor::of<uint8_t>({3}, {15, 7, 8}));
}

TEST_CASE("npy: a text array and back") {
  const std::string bytes = npy_text_bytes("INT4");
  const auto source = open_memory(bytes);
  CHECK(read_npy_text(*open_range(*source, 0, bytes.size())) == "INT4");
}
