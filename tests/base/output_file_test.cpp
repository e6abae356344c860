#include "base/output_file.h"

#include <sys/resource.h>

#include <catch2/catch_test_macros.hpp>
#include <csignal>

#include "tests/base/code_of.h"
#include "tests/base/temp_dir.h"

using namespace qtool;
using test::code_of;

TEST_CASE("output: nothing is at the target before commit, all of it after") {
  const test::TempDir dir;
  const std::string path = dir.path() + "/out";
  OutputFile file(path);
  file.write("hello ");
  file.write("world");
  CHECK_FALSE(std::filesystem::exists(path));
  file.commit();
  CHECK(read_input(path) == "hello world");
  CHECK(dir.count() == 1);
}

TEST_CASE("output: without commit the old file stays and no other") {
  const test::TempDir dir;
  const std::string path = dir.write("out", "old");
  { OutputFile(path).write("new"); }
  CHECK(read_input(path) == "old");
  CHECK(dir.count() == 1);
}

TEST_CASE("output: unfinished files can be removed from a signal handler") {
  const test::TempDir dir;
  OutputFile file(dir.path() + "/out");
  file.write("x");
  CHECK(dir.count() == 1);
  remove_unfinished_outputs();
  CHECK(dir.count() == 0);
}

TEST_CASE("output: devices are written through, directories refused") {
  const test::TempDir dir;
  write_output("/dev/null", "x");
  CHECK(std::filesystem::is_character_file("/dev/null"));
  CHECK(code_of([&] { write_output(dir.path(), "x"); }) == ExitCode::invalid_file);
  CHECK(code_of([&] { write_output(dir.path() + "/none/out", "x"); }) == ExitCode::invalid_file);
}

TEST_CASE("output: a full disk is an error that names the file and leaves nothing") {
  const test::TempDir dir;
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{100, old.rlim_max};
  std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  std::string told;
  try {
    write_output(dir.path() + "/out", std::string(1000, 'x'));
  } catch (const Error& error) {
    told = error.what();
  }
  setrlimit(RLIMIT_FSIZE, &old);
  CHECK(told.starts_with(dir.path() + "/out: cannot write: "));
  CHECK(dir.count() == 0);
}

TEST_CASE("input: a file above the limit, a directory, no file") {
  const test::TempDir dir;
  const std::string path = dir.write("f", "12345");
  CHECK(read_input(path, 5) == "12345");
  CHECK(code_of([&] { read_input(path, 4); }) == ExitCode::invalid_file);
  CHECK(code_of([&] { read_input(dir.path()); }) == ExitCode::invalid_file);
  CHECK(code_of([&] { read_input(dir.path() + "/none"); }) == ExitCode::invalid_file);
}
