#pragma once
#include <functional>
#include <string>
#include <vector>

#include "graph/domains.h"
#include "graph/pattern.h"
#include "pass/pass.h"

namespace qtool {

/// One fusion a backend wants (a row of its "patterns"), already parsed.
struct FusionRule {
  Pattern pattern;
  std::string fused_module;  ///< name of the group: "ConvRelu" -> functions ConvRelu_0, ConvRelu_1, ...; empty: no grouping
  std::string fuser_method;  ///< a row of rewrites.inc that edits weights first ("fold_bn"); empty or "none": none
  std::string root_module;   ///< operator that stands for the group ("Conv"); empty: its compute operator, else its last
  int weight_rank = 0;       ///< rank the constant weight of the first compute operator must have; 0: any
};

/// Applies the rules, longest match first (then node by node in topological order, then the first rule), bodies too, in rounds.
/// Rewrites of weights, and patterns that hold numbers (an exploded HardSwish, which such a rewrite would tear apart), go before
/// plain groups. The weight rewrites of the matches chosen run, until no rewrite is left; then what is left of each match, when that is
/// more than one node, becomes a call of a local function whose body is the original nodes. The function's inputs are the values that flow
/// in, weights and other constants among them; the call has the name of the group's root node and its outputs keep theirs. `allowed(node)`:
/// nodes that may be touched (wrap). Refusals carry the reason. Needs types (infer_types). Raises the IR to 8. Throws Error(invalid_file)
/// naming a fuser_method that does not exist.
PassReport fuse(Model& model, const std::vector<FusionRule>& rules, const std::function<bool(const Node&)>& allowed);

/// Every match of `pattern` replaced by `replacement`, an expression in the same language over the same ?names ("HardSwish(?x)").
/// Its literals become scalar weights of the type of the match's output, its attributes those of the new node (written with a point:
/// float). The last new node takes name and output name of the match's root. Throws Error(invalid_file) on a replacement that is no
/// call or names what the pattern does not. `allowed(node)`: nodes that may be touched; empty: all.
PassReport replace_pattern(Model& model, const Pattern& pattern, const std::string& replacement,
                           const std::function<bool(const Node&)>& allowed = {});

/// The fused group behind a call: the root_module of its rule ("Conv"); "" when not a fused group.
std::string root_module_of(const Model& model, const Node& call);
/// The node of the group's body that stands for it: of the root_module's operator, else the first compute operator, else the last.
/// Null when not a fused group.
Node* root_node_of(const Model& model, const Node& call);

}  // namespace qtool
