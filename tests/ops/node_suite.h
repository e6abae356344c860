#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace qtool::testing {

/// One case of the ONNX project's operator tests, as scripts/tasks/node_suite.py writes them.
struct NodeCase {
  std::string name;
  double rtol, atol;
};

/// The folder of the suite: $QTOOL_NODE_SUITE, .deps/node_suite, or the tasks' cache.
std::optional<std::filesystem::path> node_suite_folder();
std::vector<NodeCase> node_cases(const std::filesystem::path& folder);

/// Loads, infers types, runs, compares. Empty: as expected; else what is wrong, in one line.
std::string run_node_case(const std::filesystem::path& folder, const NodeCase& test);

/// tests/ops/node_suite_manifest.txt: cases that do not pass, with the reason.
std::map<std::string, std::string> node_suite_manifest();

}  // namespace qtool::testing
