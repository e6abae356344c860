#pragma once
// The pattern language of backend configs, and the matcher.
//
//   Relu(BatchNormalization(Conv(?x, ?w, ?b=), ...))
//
//   Op(a, b)     a call of the operator (or of a local function of that name, or a module alias) with these inputs
//   Add|Sum(..)  alternatives          @axis=1      (inside the parentheses) attribute equals
//   ?x           any value; the same name, the same value        ?b=   may be absent
//   const ?w     (or `const`) a constant value                   1.5   a scalar constant (relative 1e-6)
//   ...          any further inputs              Conv         a bare name: Conv(...)
//   A(..) | B(..)  alternative expressions (with a space before the bar)
// Add, Mul, Sum, Min and Max of two match in either order. A list of operator names ["Conv", "Relu"] is the chain
// Relu(Conv(...), ...). An expression written twice may be one node or two. Inner values must have no use outside the match and
// be no graph output; a match lies in one graph.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace qtool {

struct PatternNode;  // syntax tree, pattern_node.h

/// Name -> pattern expressions (alternatives): configs/modules.json.
using ModuleAliases = std::map<std::string, std::vector<std::string>>;

class Pattern {
 public:
  /// Throws Error(invalid_file) naming the column and what was expected.
  static Pattern parse(std::string_view text, const ModuleAliases& aliases = {});
  /// The expression of a list of operator names, first to last: {"Conv", "Relu"} -> "Relu(Conv, ...)".
  static std::string chain(const std::vector<std::string>& operators);
  const std::string& text() const { return text_; }
  const PatternNode& root() const { return *root_; }

 private:
  std::string text_;
  std::shared_ptr<const PatternNode> root_;
};

struct Match {
  Node* root = nullptr;                    ///< the last node: its output is the match's output
  std::vector<Node*> nodes;                ///< matched calls in topological order, root last
  std::map<std::string, Value*> bindings;  ///< ?name -> value; absent optional: null
  std::vector<Value*> inputs;              ///< values flowing in, each once, in order of first appearance (constants too)
};

/// Does the pattern match with `root` as its outermost call?
std::optional<Match> match(const Pattern& pattern, Node& root);

}  // namespace qtool
