#include "ops/node_suite.h"

#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <fstream>

using namespace qtool::testing;

// QTOOL_NODE_SUITE_RESULT names a file that receives every case that does not pass, with what is wrong.
TEST_CASE("the ONNX project's operator tests pass, but for those of the manifest") {
  const auto folder = node_suite_folder();
  if (!folder && std::getenv("CI")) FAIL("the node suite is not there: run scripts/tasks/fetch.py nodes");
  if (!folder) SKIP("the node suite is not there: run scripts/tasks/fetch.py nodes");
  const auto manifest = node_suite_manifest();
  const char* report = std::getenv("QTOOL_NODE_SUITE_RESULT");
  std::ofstream result(report ? report : "/dev/null");
  std::string broken, repaired;
  size_t passed = 0;
  for (const NodeCase& test : node_cases(*folder)) {
    const std::string wrong = run_node_case(*folder, test);
    passed += wrong.empty();
    if (!wrong.empty()) result << test.name << ' ' << wrong << '\n';
    if (!wrong.empty() && !manifest.contains(test.name)) broken += test.name + ": " + wrong + "\n";
    if (wrong.empty() && manifest.contains(test.name)) repaired += test.name + "\n";
  }
  INFO(passed << " cases pass");
  {
    INFO("do not pass:\n" << broken);
    CHECK(broken.empty());
  }
  INFO("pass, take them out of tests/ops/node_suite_manifest.txt:\n" << repaired);
  CHECK(repaired.empty());
}
