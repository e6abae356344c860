#pragma once
// What the tests of lib/data share: folders that vanish, files of a few bytes, the message of an error.

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "base/error.h"
#include "data/byte_source.h"

namespace qtool::test {

inline const std::string kGoldens = "testdata/data/";

class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "qtool_test_XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

  /// Writes a file, with the folders above it; gives its path.
  std::string write(const std::string& name, std::string_view bytes) const {
    const std::filesystem::path file = std::filesystem::path(path_) / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << bytes;
    return file.string();
  }

 private:
  std::string path_;
};

inline std::string bytes_of_file(const std::string& path) { return read_whole(*open_file(path), uint64_t{1} << 30); }

/// The message of the Error that `body` throws, with its exit code in front: "3: no such file"; "none" where it throws none.
template <class Body>
std::string error_of(Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    return std::to_string(static_cast<int>(error.code())) + ": " + error.what();
  }
  return "none";
}

}  // namespace qtool::test
