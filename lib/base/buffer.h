#pragma once
// Bytes owned once and shared by many: heap memory, a mapped file, or memory lent by someone else.

#include <cstddef>
#include <memory>
#include <string>

namespace qtool {

/// Alignment of every heap buffer: one cache line, and a full AVX-512 vector.
inline constexpr size_t kBufferAlignment = 64;

class Buffer {
 public:
  /// Uninitialised heap bytes. Throws Error(invalid_file) when the memory cannot be had.
  static std::shared_ptr<Buffer> allocate(size_t bytes);
  /// A read-only window of a file, [offset, offset + bytes). Throws Error(invalid_file) naming the path when out of range.
  static std::shared_ptr<Buffer> map_file(const std::string& path, size_t offset, size_t bytes);
  /// Wraps memory that `owner` keeps alive; read only.
  static std::shared_ptr<Buffer> borrow(const void* data, size_t bytes, std::shared_ptr<const void> owner);

  const std::byte* data() const { return data_; }
  std::byte* mutable_data() { return writable_ ? data_ : nullptr; }
  size_t size() const { return size_; }
  bool writable() const { return writable_; }

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;
  bool writable_ = false;
  std::shared_ptr<const void> owner_;
};

}  // namespace qtool
