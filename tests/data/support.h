#pragma once
// What the tests of lib/data share: folders that vanish, files of a few bytes, the message of an error.

#include <string>
#include <string_view>

#include "base/error.h"
#include "data/byte_source.h"
#include "tests/base/temp_dir.h"

namespace qtool::test {

inline const std::string kGoldens = "testdata/data/";

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
