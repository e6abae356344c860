#pragma once
// A rewrite of weights: the `fuser_method` of a backend pattern. One file and one row of rewrites.inc each.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graph/pattern.h"

namespace qtool {

struct Rewrite {
  std::string_view name;
  /// Why the match cannot be rewritten; "" when there is nothing to do; nothing: apply may be called.
  std::optional<std::string> (*refuse)(const Match&);
  /// Edits the graph. Nodes that go are dropped from match.nodes; match.root follows. The value that stands for the match's output
  /// keeps its name.
  void (*apply)(Match&);
};

/// Null when there is no such rewrite ("none" included).
const Rewrite* find_rewrite(std::string_view name);
std::vector<std::string_view> rewrite_names();

// --- what rewrites share ---

bool contains(const Match& match, const Node& node);

/// Every use of `gone`'s first output becomes a use of `now`, which takes its name and type; `gone` is erased, from the match too.
void absorb(Match& match, Node& gone, Value& now);

/// Gives input `i` of `node` a constant: in place when the weight there has this one use, else (also where there was none) as a new
/// weight, so that other users keep the old one. `base` names a new weight.
void set_constant(Node& node, size_t i, Tensor tensor, const std::string& base);

}  // namespace qtool
