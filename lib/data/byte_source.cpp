#include "data/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace qtool {
namespace {

void check_range(uint64_t offset, uint64_t bytes, uint64_t size) {
  if (offset <= size && bytes <= size - offset) return;
  throw invalid_file("truncated: " + std::to_string(size) + " bytes, " + std::to_string(bytes) + " expected from byte " +
                     std::to_string(offset) + " on");
}

class File final : public ByteSource {
 public:
  explicit File(const std::string& path) : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    struct stat info {};
    if (fd_ < 0 || fstat(fd_, &info) != 0) fail("cannot open", errno);
    if (!S_ISREG(info.st_mode)) fail("not a regular file", 0);
    size_ = static_cast<uint64_t>(info.st_size);
  }
  ~File() override { close_file(); }
  uint64_t size() const override { return size_; }

  void read_at(uint64_t offset, void* to, size_t bytes) const override {
    check_range(offset, bytes, size_);
    for (auto* at = static_cast<char*>(to); bytes != 0;) {
      const ssize_t got = pread(fd_, at, bytes, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw invalid_file(std::string("cannot read: ") + std::strerror(errno));
      if (got == 0) throw invalid_file("truncated while it was read");
      at += got;
      offset += static_cast<uint64_t>(got);
      bytes -= static_cast<size_t>(got);
    }
  }

 private:
  void close_file() {
    if (fd_ >= 0) close(fd_);
  }
  [[noreturn]] void fail(const std::string& what, int reason) {
    close_file();
    throw invalid_file(reason ? what + ": " + std::strerror(reason) : what);
  }
  int fd_;
  uint64_t size_ = 0;
};

class Memory final : public ByteSource {
 public:
  explicit Memory(std::string_view bytes) : bytes_(bytes) {}
  uint64_t size() const override { return bytes_.size(); }
  void read_at(uint64_t offset, void* to, size_t bytes) const override {
    check_range(offset, bytes, bytes_.size());
    if (bytes != 0) std::memcpy(to, bytes_.data() + offset, bytes);
  }

 private:
  std::string_view bytes_;
};

class Range final : public ByteStream {
 public:
  Range(const ByteSource& source, uint64_t offset, uint64_t bytes) : source_(source), offset_(offset), size_(bytes), left_(bytes) {
    check_range(offset, bytes, source.size());
  }
  uint64_t size() const override { return size_; }
  void read(void* to, size_t bytes) override {
    check_range(size_ - left_, bytes, size_);
    source_.read_at(offset_, to, bytes);
    offset_ += bytes;
    left_ -= bytes;
  }

 private:
  const ByteSource& source_;
  uint64_t offset_, size_, left_;
};

}  // namespace

std::unique_ptr<ByteSource> open_file(const std::string& path) { return std::make_unique<File>(path); }

std::unique_ptr<ByteSource> open_memory(std::string_view bytes) { return std::make_unique<Memory>(bytes); }

std::unique_ptr<ByteStream> open_range(const ByteSource& source, uint64_t offset, uint64_t bytes) {
  return std::make_unique<Range>(source, offset, bytes);
}

std::string read_whole(const ByteSource& source, uint64_t limit) {
  if (source.size() > limit) throw invalid_file(std::to_string(source.size()) + " bytes, more than the limit of " + std::to_string(limit));
  std::string bytes(source.size(), '\0');
  source.read_at(0, bytes.data(), bytes.size());
  return bytes;
}

std::string_view LittleEndian::take(size_t bytes) {
  if (bytes > bytes_.size()) throw invalid_file("truncated: " + std::to_string(bytes - bytes_.size()) + " bytes are missing");
  const std::string_view taken = bytes_.substr(0, bytes);
  bytes_.remove_prefix(bytes);
  return taken;
}

uint64_t LittleEndian::number(size_t bytes) {
  uint64_t value = 0;
  const std::string_view digits = take(bytes);
  for (size_t i = bytes; i-- > 0;) value = value << 8 | static_cast<uint8_t>(digits[i]);
  return value;
}

}  // namespace qtool
