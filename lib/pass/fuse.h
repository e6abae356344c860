#pragma once
#include <string>
#include <vector>

#include "graph/pattern.h"
#include "pass/pass.h"

namespace qtool {

/// One fusion a backend wants (a row of its "patterns"), already parsed.
struct FusionRule {
  Pattern pattern;
  std::string fused_module;  ///< name of the group: "ConvRelu" -> functions ConvRelu_0, ConvRelu_1, ...; empty: no grouping
  std::string fuser_method;  ///< a row of rewrites.inc that edits weights first ("fold_bn"), or empty
  std::string root_module;   ///< operator that stands for the group ("Conv")
};

/// Domain of fused groups and of observers.
inline constexpr const char* kFusedDomain = "qtool.fused";
inline constexpr const char* kObserverDomain = "qtool.observer";

/// Applies the rules, longest match first, node by node in topological order, bodies too: runs the weight rewrite, then wraps
/// what is left of the match (when more than one node is left) in a local function whose body is the original nodes.
/// `allowed(node)`: nodes that may be touched (wrap). Refusals carry the reason.
PassReport fuse(Model& model, const std::vector<FusionRule>& rules, const std::function<bool(const Node&)>& allowed);

/// Every match of `pattern` replaced by `replacement`, an expression in the same language over the same ?names
/// ("HardSwish(?x)", literals become weights).
PassReport replace_pattern(Model& model, const Pattern& pattern, const std::string& replacement);

/// The fused group behind a call: operator name of its root ("Conv") as stored on the function; "" when not a fused group.
std::string root_module_of(const Model& model, const Node& call);

}  // namespace qtool
