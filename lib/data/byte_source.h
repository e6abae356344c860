#pragma once
// Hostile bytes: random access (a file, memory), streams over a range of them, and little-endian numbers.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace qtool {

/// Bytes that can be read anywhere; reading past the end throws Error(invalid_file).
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual uint64_t size() const = 0;
  virtual void read_at(uint64_t offset, void* to, size_t bytes) const = 0;
};

/// A regular file; anything else (directory, pipe, device) is an Error(invalid_file). Errors do not name the path.
std::unique_ptr<ByteSource> open_file(const std::string& path);
/// Memory that outlives the source.
std::unique_ptr<ByteSource> open_memory(std::string_view bytes);
/// The whole source, refused above `limit` bytes.
std::string read_whole(const ByteSource& source, uint64_t limit);

/// Bytes in order, read straight to where they belong.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  virtual uint64_t size() const = 0;              ///< in all
  virtual void read(void* to, size_t bytes) = 0;  ///< exactly so many, or Error(invalid_file)
  virtual void finish() {}                        ///< after the last byte: checks what can be checked (checksums)
};

/// Bytes [offset, offset + bytes) of `source`, which outlives the stream.
std::unique_ptr<ByteStream> open_range(const ByteSource& source, uint64_t offset, uint64_t bytes);

/// Little-endian numbers from a piece of memory; reading past the end throws Error(invalid_file).
class LittleEndian {
 public:
  explicit LittleEndian(std::string_view bytes) : bytes_(bytes) {}
  uint8_t u8() { return static_cast<uint8_t>(number(1)); }
  uint16_t u16() { return static_cast<uint16_t>(number(2)); }
  uint32_t u32() { return static_cast<uint32_t>(number(4)); }
  uint64_t u64() { return number(8); }
  int32_t i32() { return static_cast<int32_t>(u32()); }
  std::string_view take(size_t bytes);
  void skip(size_t bytes) { take(bytes); }
  size_t left() const { return bytes_.size(); }

 private:
  uint64_t number(size_t bytes);
  std::string_view bytes_;
};

}  // namespace qtool
