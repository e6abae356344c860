#pragma once
// Module names (configs/modules.json): one word for the shapes a layer takes in ONNX, as in object_type "Linear".

#include <string>
#include <string_view>
#include <vector>

namespace qtool {

struct Module {
  std::string name;
  std::vector<std::string> patterns;  ///< expressions over ONNX operators, largest first
  int weight_rank = 0;                ///< rank of the weight (Conv1d: 3); 0: any
};

/// The table, in file order; parsed once.
const std::vector<Module>& modules();
/// Null when `name` is no alias.
const Module* module_named(std::string_view name);

struct ExpandedPattern {
  std::vector<std::string> expressions;
  int weight_rank = 0;
};
/// Replaces every alias of a pattern, written bare or with "(...)", by its expressions: all combinations, names of values kept apart.
/// Throws Error(invalid_file) where an alias has other arguments or there are more than 64 combinations.
ExpandedPattern expand_modules(const std::string& pattern);

}  // namespace qtool
