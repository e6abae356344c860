#pragma once
// A copy of a graph's nodes in the midst of another graph: what inlining a function or a branch of If shares.

#include <functional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "graph/model.h"

namespace qtool {

struct Spliced {
  std::vector<Node*> nodes;
  std::vector<Value*> outputs;                               ///< stand for the inputs of the body's output node; null: omitted
  std::vector<std::pair<Value*, std::string>> wanted_names;  ///< names to take once they are free
};

struct SpliceOptions {
  /// Values of `body` and of graphs around it -> values of the target; placeholders must be here (null: omitted input). Others stay.
  std::unordered_map<const Value*, Value*> values;
  /// The name a value or node of the body should have in the target.
  std::function<std::string(const std::string&)> rename = [](const std::string& name) { return name; };
  /// In function bodies: the attribute of the call that `reference` stands for; null: the attribute is dropped.
  std::function<const Attribute*(const std::string& reference)> attribute;
};

/// Copies the nodes of `body` into `target` before `before`, under free names.
Spliced splice(const Graph& body, Graph& target, Node& before, SpliceOptions options);

/// Gives every use of `call`'s outputs to the spliced outputs, erases `call`, then hands out names: first those of `call`'s outputs,
/// then the wanted ones that are free. Graph outputs keep their names (an Identity is left where a value cannot take it).
void replace_call(Node& call, Spliced& spliced);

}  // namespace qtool
