#pragma once
// Fuzz entries: each reads hostile bytes as one kind of file. Only qtool::Error may leave it, and never ExitCode::bug.
//
// NAME_fuzz.cpp holds QTOOL_FUZZ_ENTRY(NAME) { ... bytes ... } and has a row in entries.inc. fuzz_test.cpp runs every entry over its corpus
// and over a fixed set of mutations of it. For a search without end, one entry alone with libFuzzer:
//   clang++ -fsanitize=fuzzer,address,undefined -DQTOOL_LIBFUZZER -std=c++20 -Ilib -I. tests/fuzz/NAME_fuzz.cpp ... CORPUS

#include <cstdint>
#include <string_view>

#include "base/error.h"

namespace qtool::fuzz {

/// Runs `read`; swallows the errors that a bad file may give.
template <class Read>
void expect_error_at_most(Read&& read) {
  try {
    read();
  } catch (const Error& error) {
    if (error.code() == ExitCode::bug) throw;
  }
}

}  // namespace qtool::fuzz

#ifdef QTOOL_LIBFUZZER
#define QTOOL_FUZZ_LIBFUZZER(name)                                          \
  extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) { \
    qtool::fuzz::name({reinterpret_cast<const char*>(data), size});         \
    return 0;                                                               \
  }
#else
#define QTOOL_FUZZ_LIBFUZZER(name)
#endif

#define QTOOL_FUZZ_ENTRY(name)       \
  namespace qtool::fuzz {            \
  void name(std::string_view bytes); \
  }                                  \
  QTOOL_FUZZ_LIBFUZZER(name)         \
  void qtool::fuzz::name([[maybe_unused]] std::string_view bytes)
