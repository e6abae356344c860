#include "data/npz.h"

#include <zlib.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_all.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/data/support.h"

using namespace qtool;
using namespace qtool::test;
using Catch::Matchers::ContainsSubstring;

namespace {

std::vector<NamedTensor> sample_arrays() {
  return {{"x", Tensor::of<float>({2, 2}, {1, 2, 3, 4})},
          {"a/b:0", Tensor::of<int64_t>({3}, {-1, 0, 1})},
          {"b", Tensor::of<BFloat16>({2}, {{0x3f80}, {0xc000}})},
          {"i4", Tensor(DType::int4, {3}, Buffer::borrow("\xff\x07\xf8", 3, nullptr))},
          {"u4", Tensor(DType::uint4, {2}, Buffer::borrow("\x0f\x01", 2, nullptr))},
          {"f8", Tensor(DType::float8e4m3fn, {2}, Buffer::borrow("\x88\x01", 2, nullptr))},
          {"flag", Tensor::of<bool>({2}, {true, false})},
          {"none", Tensor(DType::float32, {0, 3})},
          {"\xc3\xa9", Tensor::scalar<double>(0.5)}};
}

std::string written(const std::vector<NamedTensor>& arrays) {
  const TempDir folder;
  write_npz(folder.path() + "/x.npz", arrays);
  return bytes_of_file(folder.path() + "/x.npz");
}

NpzReader reader_of(const std::string& bytes) { return NpzReader(open_memory(bytes)); }

void patch(std::string& bytes, size_t at, uint32_t value, size_t count) {
  for (size_t i = 0; i < count; ++i) bytes[at + i] = static_cast<char>(value >> (8 * i) & 255);
}

}  // namespace

TEST_CASE("npz: archives written by numpy, stored and deflated") {
  const NpzReader npz(open_file(kGoldens + "npz/" + GENERATE("stored", "deflated") + std::string(".npz")));
  CHECK(npz.names() == std::vector<std::string>{"x", "path/to:0", "b"});
  const Tensor x = npz.load("x");
  CHECK(x.shape() == Shape{2, 3, 4});
  CHECK(x.number_at(23) == 23);
  CHECK(npz.load("path/to:0") == Tensor::of<int64_t>({3}, {0, 1, 2}));
  CHECK(npz.load("b").dtype() == DType::bfloat16);
}

TEST_CASE("npz: what is written is read back, type by type") {
  const std::vector<NamedTensor> arrays = sample_arrays();
  const std::string bytes = written(arrays);
  const NpzReader npz = reader_of(bytes);
  CHECK(npz.names().size() == arrays.size());
  for (const auto& [name, tensor] : arrays) {
    INFO(name);
    CHECK(npz.load(name) == tensor);
  }
}

TEST_CASE("npz: the bytes are those checked with numpy by tests/interop/test_npz.py") {
  CHECK(written(sample_arrays()) == bytes_of_file(kGoldens + "written.npz"));
}

TEST_CASE("npz: an array that is not there") {
  const NpzReader npz(open_file(kGoldens + "npz/stored.npz"));
  CHECK_FALSE(npz.has("y"));
  CHECK(error_of([&] { npz.load("y"); }) == "3: no array \"y\"");
}

TEST_CASE("npz: truncated anywhere it is an error") {
  const std::string whole = bytes_of_file(kGoldens + "npz/" + GENERATE("stored", "deflated") + std::string(".npz"));
  for (size_t size = 0; size < whole.size(); ++size) {
    const std::string part = whole.substr(0, size);
    CHECK(error_of([&] { reader_of(part).load("x"); }).starts_with("3: "));
  }
}

TEST_CASE("npz: damaged data are found by their checksum") {
  std::string bytes = bytes_of_file(kGoldens + "npz/stored.npz");
  bytes[bytes.find("NUMPY") + 150] ^= 1;
  CHECK_THAT(error_of([&] { reader_of(bytes).load("x"); }), ContainsSubstring("zip entry \"x.npy\": wrong checksum"));
}

TEST_CASE("npz: an entry that claims more than its compressed bytes can give is refused before it is opened") {
  std::string bytes = bytes_of_file(kGoldens + "npz/zeros.npz");
  patch(bytes, bytes.rfind("PK\1\2") + 24, 0x7fffffff, 4);
  CHECK_THAT(error_of([&] { reader_of(bytes); }), ContainsSubstring("claims 2147483647 bytes"));
}

TEST_CASE("npz: an entry that inflates to more than it declares is refused") {
  std::string bytes = bytes_of_file(kGoldens + "npz/zeros.npz");
  const std::string shape = "(1, 64, 64)";
  patch(bytes, bytes.rfind("PK\1\2") + 24, 128 + 64 * 64 * 4 - 1, 4);
  CHECK_THAT(error_of([&] { reader_of(bytes).load("x"); }), ContainsSubstring("needs 4096 x 4 bytes, found 16383"));
}

TEST_CASE("npz: deflated data longer than the array are refused") {
  // one entry, declared as 1 byte less than the stream gives, whose npy header agrees with the declaration
  const std::string npy = npy_prefix(Tensor::zeros(DType::uint8, {100})) + std::string(101, '\0');
  std::string packed(1000, '\0');
  z_stream deflater{};
  REQUIRE(deflateInit2(&deflater, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  deflater.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(npy.data()));
  deflater.avail_in = static_cast<uInt>(npy.size());
  deflater.next_out = reinterpret_cast<Bytef*>(packed.data());
  deflater.avail_out = static_cast<uInt>(packed.size());
  REQUIRE(deflate(&deflater, Z_FINISH) == Z_STREAM_END);
  packed.resize(deflater.total_out);
  deflateEnd(&deflater);
  std::string local("PK\3\4\x14\0\0\0\x08\0", 10), entry("PK\1\2\x14\0\x14\0\0\0\x08\0", 12), end("PK\5\6", 4);
  local.resize(30);
  entry.resize(46);
  patch(local, 26, 5, 2);
  patch(entry, 20, static_cast<uint32_t>(packed.size()), 4);
  patch(entry, 24, static_cast<uint32_t>(npy.size() - 1), 4);
  patch(entry, 28, 5, 2);
  end.resize(22);
  patch(end, 12, 51, 4);
  patch(end, 16, static_cast<uint32_t>(35 + packed.size()), 4);
  const std::string bytes = local + "x.npy" + packed + entry + "x.npy" + end;
  CHECK_THAT(error_of([&] { reader_of(bytes).load("x"); }), ContainsSubstring("more bytes than declared"));
}

TEST_CASE("npz: the declared type must fit the stored one") {
  const std::string bytes = written({{"x", Tensor::of<float>({1}, {1})}, {"x__dtype", Tensor::scalar(1.0f)}});
  CHECK_THAT(error_of([&] { reader_of(bytes).load("x"); }), ContainsSubstring("array \"x__dtype\": expected one short string"));
}

TEST_CASE("npz: the check runs before memory is allocated and sees the declared type") {
  const std::string bytes = written(sample_arrays());
  std::string seen;
  const auto check = [&](DType dtype, const Shape& shape) { seen = std::string(name_of(dtype)) + " " + to_string(shape); };
  reader_of(bytes).load("i4", check);
  CHECK(seen == "int4 3");
}

TEST_CASE("npz: strings cannot be written") {
  CHECK(error_of([] { written({{"s", Tensor::of_strings({1}, {"a"})}}); }).starts_with("4: "));
}
