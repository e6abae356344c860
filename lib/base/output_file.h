#pragma once
// Output that is there whole or not at all: written under a temporary name beside the target, then renamed.

#include <string>
#include <string_view>

namespace qtool {

/// Whether commit() waits for the disk (milliseconds), so that the file survives a power failure too.
enum class Durability { flushed, buffered };

/// `path` "-" is stdout. Otherwise bytes go to a temporary file in the same directory; commit() flushes and renames it over
/// `path`; destruction without commit() removes it. Errors (full disk, no permission) throw Error(invalid_file) naming path.
/// The temporary files alive are removed on SIGINT/SIGTERM by remove_unfinished_outputs(), which is async-signal-safe.
class OutputFile {
 public:
  explicit OutputFile(std::string path, Durability durability = Durability::flushed);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();
  void write(std::string_view bytes);
  void commit();

 private:
  std::string path_, temporary_;
  Durability durability_;
  int fd_ = -1;
  int slot_ = -1;
};

/// write + commit.
void write_output(const std::string& path, std::string_view bytes);

/// Whole file, or stdin for "-". At most `limit` bytes, else Error(invalid_file).
std::string read_input(const std::string& path, size_t limit = size_t{1} << 33);

void remove_unfinished_outputs() noexcept;

}  // namespace qtool
