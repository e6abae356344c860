// The examples of the guides are valid files.

#include <catch2/catch_test_macros.hpp>
#include <fstream>
#include <iterator>

#include "config/backend.h"
#include "config/qconfig.h"

using namespace qtool;

namespace {

/// The ```json blocks of a guide.
std::vector<std::string> examples_of(const std::string& guide) {
  std::ifstream file(std::string(QTOOL_SOURCE_DIR) + "/docs/" + guide);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::string> blocks;
  const std::string fence = "```json\n";
  for (size_t at = text.find(fence); at != std::string::npos; at = text.find(fence, at)) {
    at += fence.size();
    blocks.push_back(text.substr(at, text.find("```", at) - at));
  }
  return blocks;
}

}  // namespace

TEST_CASE("docs/qconfig.md: the example parses") {
  const auto examples = examples_of("qconfig.md");
  REQUIRE(examples.size() == 1);
  const auto mapping = QConfigMapping::parse(examples[0], "qconfig.md");
  CHECK(mapping.choose("/encoder/0", {"Conv"}).qconfig->activation.observer == "percentile");
  CHECK(mapping.choose("/head/conv/Conv", {"Conv"}).qconfig == nullptr);
}

TEST_CASE("docs/backends.md: the example is what the guide says") {
  const auto examples = examples_of("backends.md");
  REQUIRE(examples.size() == 1);
  const auto backend = BackendConfig::parse(examples[0], "backends.md");
  CHECK(backend.patterns[1].pattern == "Relu(Conv, ...)");
  const DTypeConfig& config = backend.patterns[0].dtype_configs[0];
  ObserverSpec spec;
  spec.observer = "minmax";
  spec.dtype = DType::uint8;
  spec.codes = {0, 255};
  CHECK(check_constraints(spec, *config.input).size() == 2);
  spec.codes = {0, 127};
  spec.eps = 0x1p-12f;
  CHECK(check_constraints(spec, *config.input).empty());
}
