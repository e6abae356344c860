// The small ones: errors, diagnostics, parallel_for, SHA-256.
#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <thread>
#include <vector>

#include "base/diagnostics.h"
#include "base/error.h"
#include "base/parallel.h"
#include "base/sha256.h"

using namespace qtool;

TEST_CASE("errors: every layer puts its frame in front and keeps the code") {
  try {
    with_frame("convert", [] { with_frame("node \"c\"", [] { throw unsupported("no kernel"); }); });
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(std::string(error.what()) == "convert: node \"c\": no kernel");
    CHECK(error.code() == ExitCode::unsupported);
  }
  CHECK(with_frame("x", [] { return 5; }) == 5);
}

TEST_CASE("diagnostics: repetitions are kept once, in order of arrival") {
  Diagnostics diagnostics;
  CHECK(diagnostics.empty());
  for (const char* node : {"b", "a", "b"}) diagnostics.warn("float", node, "why");
  CHECK(diagnostics.all() == std::vector<Diagnostic>{{"float", "b", "why"}, {"float", "a", "why"}});
}

TEST_CASE("parallel_for: every item once, by a worker of the team") {
  for (const int threads : {0, 1, 2, 7, 100}) {
    std::vector<std::atomic<int>> calls(50);
    std::atomic<bool> inside{true};
    parallel_for(calls.size(), threads, [&](size_t item, int worker) {
      ++calls[item];
      if (worker < 0 || worker >= std::max(threads, 1)) inside = false;
    });
    CHECK(inside);
    for (const auto& count : calls) CHECK(count == 1);
  }
  parallel_for(0, 4, [](size_t, int) { FAIL("no items"); });
}

TEST_CASE("parallel_for: the first exception stops new items and is thrown on") {
  for (const int threads : {1, 4}) {
    std::atomic<int> calls{0};
    CHECK_THROWS_AS(parallel_for(1000000, threads,
                                 [&](size_t item, int) {
                                   ++calls;
                                   if (item == 3) throw invalid_file("x");
                                 }),
                    Error);
    CHECK(calls < 1000000);
  }
}

TEST_CASE("sha256: FIPS 180-4 examples, in pieces") {
  CHECK(Sha256().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  Sha256 digest;
  digest.update("a");
  digest.update("");
  digest.update("bc");
  CHECK(digest.hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
