// The law save(load(m)) == m on every model file at hand: testdata/, the fetched tasks and ONNX's operator tests.

#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <filesystem>

#include "base/output_file.h"
#include "onnxio/messages.h"
#include "onnxio/onnxio.h"

using namespace qtool;
namespace fs = std::filesystem;

namespace {

std::string tasks_folder() {
  if (const char* given = std::getenv("QTOOL_TASKS")) return given;
  const char* home = std::getenv("HOME");
  return std::string(home ? home : "") + "/.cache/qtool-tasks";
}

std::vector<std::string> model_files(const std::string& folder) {
  std::vector<std::string> found;
  std::error_code error;
  for (auto at = fs::recursive_directory_iterator(folder, error); !error && at != fs::recursive_directory_iterator(); at.increment(error))
    if (at->path().extension() == ".onnx") found.push_back(at->path().string());
  return found;
}

void check_law(const std::string& path) {
  INFO(path);
  const onnx::ModelProto before = testing::message_of_bytes(read_input(path));
  const Model model = onnxio::load(path);
  REQUIRE_NOTHROW(lint(model, "load"));
  const std::string bytes = onnxio::serialize(model);
  CHECK(testing::difference(before, testing::message_of_bytes(bytes)) == "");
  CHECK((onnxio::serialize(onnxio::parse(bytes)) == bytes));
}

}  // namespace

TEST_CASE("law: every model of testdata is saved as it was loaded") {
  const auto files = model_files("testdata");
  REQUIRE(!files.empty());
  for (const std::string& path : files) check_law(path);
}

TEST_CASE("law: every fetched model is saved as it was loaded") {
  const auto files = model_files(tasks_folder());
  if (files.empty()) SKIP("no models in " << tasks_folder() << ": run scripts/tasks/fetch.py");
  for (const std::string& path : files) check_law(path);
}
