#include "base/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>

#include "base/error.h"

namespace qtool {
namespace {

constexpr int kSlots = 16;
char unfinished[kSlots][4096];
std::atomic<bool> in_use[kSlots];
std::mutex slots_mutex;

int take_slot(const std::string& name) {
  std::lock_guard lock(slots_mutex);
  for (int slot = 0; slot < kSlots; ++slot) {
    if (in_use[slot] || name.size() >= sizeof(unfinished[slot])) continue;
    std::memcpy(unfinished[slot], name.c_str(), name.size() + 1);
    in_use[slot] = true;
    return slot;
  }
  return -1;
}

[[noreturn]] void fail(const std::string& path, const char* verb) {
  throw invalid_file(path + ": cannot " + verb + ": " + std::strerror(errno));
}

void write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(fd, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail(path, "write");
    bytes.remove_prefix(static_cast<size_t>(done));
  }
}

std::string read_all(int fd, const std::string& path, size_t limit) {
  std::string bytes;
  size_t used = 0;
  for (;;) {
    if (used == bytes.size()) bytes.resize(std::max<size_t>(size_t{1} << 16, bytes.size() * 2));
    const ssize_t got = ::read(fd, bytes.data() + used, bytes.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path, "read");
    if (got == 0) break;
    used += static_cast<size_t>(got);
    if (used > limit) throw invalid_file(path + ": larger than the limit of " + std::to_string(limit) + " bytes");
  }
  bytes.resize(used);
  return bytes;
}

}  // namespace

OutputFile::OutputFile(std::string path, Durability durability) : path_(std::move(path)), durability_(durability) {
  if (path_ == "-") {
    fd_ = STDOUT_FILENO;
    return;
  }
  temporary_ = path_ + ".tmp." + std::to_string(getpid());
  struct stat info {};
  if (stat(path_.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) temporary_.clear();  // a device or a pipe: write through
  const std::string& name = temporary_.empty() ? path_ : temporary_;
  fd_ = open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd_ < 0) fail(path_, "create");
  if (!temporary_.empty()) slot_ = take_slot(temporary_);
}

OutputFile::~OutputFile() {
  if (path_ == "-") return;
  if (fd_ >= 0) {
    close(fd_);
    if (!temporary_.empty()) unlink(temporary_.c_str());
  }
  if (slot_ >= 0) in_use[slot_] = false;
}

void OutputFile::write(std::string_view bytes) { write_all(fd_, bytes, path_); }

void OutputFile::commit() {
  if (path_ == "-") return;
  if (durability_ == Durability::flushed && !temporary_.empty() && fsync(fd_) != 0) fail(path_, "write");
  const int fd = fd_;
  fd_ = -1;
  if (close(fd) != 0 || (!temporary_.empty() && rename(temporary_.c_str(), path_.c_str()) != 0)) {
    if (!temporary_.empty()) unlink(temporary_.c_str());
    fail(path_, "write");
  }
}

void write_output(const std::string& path, std::string_view bytes) {
  OutputFile file(path);
  file.write(bytes);
  file.commit();
}

std::string read_input(const std::string& path, size_t limit) {
  if (path == "-") return read_all(STDIN_FILENO, "stdin", limit);
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail(path, "open");
  struct Closer {
    int fd;
    ~Closer() { close(fd); }
  } closer{fd};
  struct stat info {};
  if (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) throw invalid_file(path + ": is a directory, expected a file");
  return read_all(fd, path, limit);
}

void remove_unfinished_outputs() noexcept {
  for (int slot = 0; slot < kSlots; ++slot)
    if (in_use[slot]) unlink(unfinished[slot]);
}

}  // namespace qtool
