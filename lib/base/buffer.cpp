#include "base/buffer.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/buffer_source.h"
#include "base/error.h"

namespace qtool {
namespace {

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
};

/// Below, the heap is as fast and keeps its own lists.
constexpr size_t kLarge = 64 << 10;

thread_local BufferSource* current_source = nullptr;

size_t round_up(size_t bytes) { return (bytes + kBufferAlignment - 1) / kBufferAlignment * kBufferAlignment; }

}  // namespace

std::shared_ptr<Buffer> Buffer::allocate(size_t bytes) {
  if (current_source && bytes >= kLarge) return current_source->take(bytes);
  const size_t rounded = round_up(bytes == 0 ? 1 : bytes);
  void* memory = rounded < bytes ? nullptr : std::aligned_alloc(kBufferAlignment, rounded);
  if (!memory) throw invalid_file("cannot allocate " + std::to_string(bytes) + " bytes");
  auto buffer = std::make_shared<Buffer>();
  buffer->data_ = static_cast<std::byte*>(memory);
  buffer->size_ = bytes;
  buffer->writable_ = true;
  buffer->owner_ = std::shared_ptr<const void>(memory, [](const void* p) { std::free(const_cast<void*>(p)); });
  return buffer;
}

BufferScope::BufferScope(BufferSource* source) : before_(current_source) { current_source = source; }

BufferScope::~BufferScope() { current_source = before_; }

std::shared_ptr<Buffer> Buffer::map_file(const std::string& path, size_t offset, size_t bytes) {
  const Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat info {};
  if (file.fd < 0 || fstat(file.fd, &info) != 0) throw invalid_file(path + ": " + std::strerror(errno));
  const auto size = static_cast<size_t>(info.st_size);
  if (offset > size || bytes > size - offset)
    throw invalid_file(path + ": has " + std::to_string(size) + " bytes, but bytes " + std::to_string(offset) + ".." +
                       std::to_string(offset + bytes) + " were asked for");
  if (bytes == 0) return borrow(nullptr, 0, nullptr);
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t begin = offset / page * page;
  const size_t length = offset - begin + bytes;
  void* mapped = mmap(nullptr, length, PROT_READ, MAP_PRIVATE, file.fd, static_cast<off_t>(begin));
  if (mapped == MAP_FAILED) throw invalid_file(path + ": cannot map: " + std::strerror(errno));
  std::shared_ptr<const void> owner(mapped, [length](const void* p) { munmap(const_cast<void*>(p), length); });
  return borrow(static_cast<const std::byte*>(mapped) + (offset - begin), bytes, std::move(owner));
}

std::shared_ptr<Buffer> Buffer::borrow(const void* data, size_t bytes, std::shared_ptr<const void> owner) {
  auto buffer = std::make_shared<Buffer>();
  buffer->data_ = const_cast<std::byte*>(static_cast<const std::byte*>(data));
  buffer->size_ = bytes;
  buffer->owner_ = std::move(owner);
  return buffer;
}

}  // namespace qtool
