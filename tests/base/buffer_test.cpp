#include "base/buffer.h"

#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <cstring>
#include <thread>

#include "base/buffer_source.h"
#include "base/error.h"
#include "tests/base/temp_dir.h"

using namespace qtool;

namespace {

std::string text_of(const Buffer& buffer) { return {reinterpret_cast<const char*>(buffer.data()), buffer.size()}; }

}  // namespace

TEST_CASE("buffer: heap memory is aligned and writable, of any size") {
  for (const size_t bytes : {0, 1, 63, 64, 65, 100000}) {
    const auto buffer = Buffer::allocate(bytes);
    CHECK(buffer->size() == bytes);
    CHECK(buffer->writable());
    CHECK(reinterpret_cast<uintptr_t>(buffer->data()) % kBufferAlignment == 0);
    std::memset(buffer->mutable_data(), 7, bytes);
  }
}

TEST_CASE("buffer: memory that cannot be had is an error, not a crash") {
  CHECK_THROWS_AS(Buffer::allocate(SIZE_MAX), Error);
#ifndef __SANITIZE_ADDRESS__  // which aborts instead of giving null
  CHECK_THROWS_AS(Buffer::allocate(SIZE_MAX / 2), Error);
#endif
}

TEST_CASE("buffer: a window of a file, at any offset") {
  const test::TempDir dir;
  const std::string path = dir.write("f", std::string(5000, 'a') + "hello" + std::string(10, 'b'));
  const auto window = Buffer::map_file(path, 5000, 5);
  CHECK(text_of(*window) == "hello");
  CHECK_FALSE(window->writable());
  CHECK(window->mutable_data() == nullptr);
  CHECK(Buffer::map_file(path, 5015, 0)->size() == 0);
}

TEST_CASE("buffer: a window beyond the end names the file") {
  const test::TempDir dir;
  const std::string path = dir.write("f", "12345");
  for (const auto& [offset, bytes] : {std::pair<size_t, size_t>{0, 6}, {6, 0}, {5, 1}, {SIZE_MAX, 2}, {2, SIZE_MAX}}) try {
      Buffer::map_file(path, offset, bytes);
      FAIL("no error");
    } catch (const Error& error) {
      CHECK(error.code() == ExitCode::invalid_file);
      CHECK(std::string(error.what()).starts_with(path + ": has 5 bytes"));
    }
  CHECK_THROWS_AS(Buffer::map_file(dir.path() + "/none", 0, 1), Error);
}

TEST_CASE("buffer: borrowed memory is kept alive and read only") {
  auto owner = std::make_shared<std::string>("abc");
  const auto buffer = Buffer::borrow(owner->data(), 3, owner);
  const std::weak_ptr<std::string> watch = owner;
  owner.reset();
  CHECK_FALSE(watch.expired());
  CHECK(text_of(*buffer) == "abc");
  CHECK_FALSE(buffer->writable());
}

TEST_CASE("buffer: inside a scope large buffers come from its source, in this thread and until it ends") {
  struct Counting : BufferSource {
    size_t taken = 0;
    std::shared_ptr<Buffer> take(size_t bytes) override {
      ++taken;
      const BufferScope from_heap(nullptr);
      return Buffer::allocate(bytes);
    }
  } source;
  {
    const BufferScope scope(&source);
    CHECK(Buffer::allocate(1 << 20)->size() == 1 << 20);
    Buffer::allocate(100);
    CHECK(source.taken == 1);
    std::thread([] { Buffer::allocate(1 << 20); }).join();
    CHECK(source.taken == 1);
  }
  Buffer::allocate(1 << 20);
  CHECK(source.taken == 1);
}
