#include "pass/fuse.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "graph/pattern_node.h"
#include "pass/group.h"
#include "pass/rewrites/rewrite.h"
#include "pass/tidy/passes.h"

namespace qtool {
namespace {

constexpr int kMaxRounds = 1000;  ///< each makes the graph smaller or an operator simpler; real models need fewer than ten

/// A match of a rule, with what of it is still to do.
struct Candidate {
  const FusionRule* rule;
  Match match;
  const Rewrite* rewrite;  ///< null: none, or done
  bool goes_first;         ///< edits weights, or is an exploded operator that such edits would tear apart
  size_t rule_index, root_position;
};

const Rewrite* rewrite_of(const FusionRule& rule) {
  if (rule.fuser_method.empty() || rule.fuser_method == "none") return nullptr;
  const Rewrite* rewrite = find_rewrite(rule.fuser_method);
  if (!rewrite) throw invalid_file("pattern " + rule.pattern.text() + ": there is no fuser_method \"" + rule.fuser_method + "\"");
  return rewrite;
}

/// Numbers in a pattern are those of an exploded operator (HardSwish, GELU).
bool has_literal(const PatternNode& node) {
  if (node.kind == PatternNode::Kind::literal) return true;
  return std::any_of(node.args.begin(), node.args.end(), [](const PatternNodePtr& arg) { return has_literal(*arg); });
}

bool is_before(const Candidate& a, const Candidate& b) {
  if (a.goes_first != b.goes_first) return a.goes_first;
  if (a.match.nodes.size() != b.match.nodes.size()) return a.match.nodes.size() > b.match.nodes.size();
  if (a.root_position != b.root_position) return a.root_position < b.root_position;
  return a.rule_index < b.rule_index;
}

/// The rank of the first constant weight of the match's root operator is the rule's.
bool has_weight_rank(const Match& match, const FusionRule& rule, int64_t opset) {
  if (rule.weight_rank == 0) return true;
  const Value* weight = root_among(match.nodes, rule.root_module, opset)->in(1);
  return weight && weight->constant() && weight->constant()->rank() == static_cast<size_t>(rule.weight_rank);
}

/// What a group adds to its matrix product is one number a column: positions and the like are no bias, they stay an operand of Add.
bool adds_a_bias(const Match& match, const FusionRule& rule, int64_t opset) {
  const Node* root = root_among(match.nodes, rule.root_module, opset);
  if (!root || !root->is("MatMul")) return true;
  return std::all_of(root->out(0)->uses().begin(), root->out(0)->uses().end(), [&](const Use& use) {
    const bool inside = std::find(match.nodes.begin(), match.nodes.end(), use.node) != match.nodes.end();
    const Value* other = inside && use.node->is("Add") ? use.node->in(1 - use.input) : nullptr;
    const Tensor* added = other ? other->constant() : nullptr;
    return !added || added->rank() == 0 || added->size() == added->shape().back();
  });
}

/// Fusion of one graph, without its bodies.
class Fuser {
 public:
  Fuser(Model& model, Graph& graph, const std::vector<FusionRule>& rules, const std::function<bool(const Node&)>& allowed,
        PassReport& report)
      : model_(model), graph_(graph), rules_(rules), allowed_(allowed), report_(report) {}

  void run() {
    for (int round = 0; round < kMaxRounds; ++round) {
      std::vector<Candidate> chosen = choose(candidates());
      if (!rewrite(chosen)) return group(chosen);
    }
  }

 private:
  bool may_touch(const Match& match) const {
    return std::all_of(match.nodes.begin(), match.nodes.end(), [&](const Node* node) { return node->bodies().empty() && allowed_(*node); });
  }

  /// A group whose rewrite is done is a candidate as it stands; all others are matched anew.
  std::vector<Candidate> candidates() {
    std::vector<Candidate> found;
    position_.clear();
    for (Node& node : graph_.nodes()) position_.emplace(&node, position_.size());
    for (Candidate waiting : waiting_) {
      waiting.root_position = position_.at(waiting.match.root);
      found.push_back(std::move(waiting));
    }
    for (Node& node : graph_.nodes())
      for (size_t i = 0; node.is_call() && i < rules_.size(); ++i) consider(node, i, found);
    std::sort(found.begin(), found.end(), is_before);
    return found;
  }

  void consider(Node& node, size_t index, std::vector<Candidate>& found) {
    const FusionRule& rule = rules_[index];
    const Rewrite* rewrite = rewrite_of(rule);
    auto matched = match(rule.pattern, node);
    if (!matched || (!rewrite && (matched->nodes.size() < 2 || rule.fused_module.empty()))) return;
    if (refused_.count({node.path(), index}) || !has_weight_rank(*matched, rule, model_.opset())) return;
    if (!rewrite && !adds_a_bias(*matched, rule, model_.opset())) return;
    if (!may_touch(*matched)) return refuse(node, index, "a node of the match may not be touched (--wrap)");
    if (const auto reason = rewrite ? rewrite->refuse(*matched) : std::nullopt) return refuse(node, index, *reason);
    const bool goes_first = rewrite || has_literal(rule.pattern.root());
    found.push_back({&rule, std::move(*matched), rewrite, goes_first, index, position_.at(&node)});
  }

  void refuse(const Node& node, size_t index, const std::string& reason) {
    refused_.insert({node.path(), index});
    if (!reason.empty()) report_.skipped(node, rules_[index].pattern.text() + ": " + reason);
  }

  /// Greedy: the first in order takes its nodes. One that loses to a rewrite has its turn in a later round, and keeps smaller ones off
  /// until then.
  static std::vector<Candidate> choose(std::vector<Candidate> candidates) {
    std::unordered_map<const Node*, bool> taken;  // by a rewrite, or by one that waits for it
    std::vector<Candidate> chosen;
    for (Candidate& candidate : candidates) {
      bool free = true, waits = false;
      for (const Node* node : candidate.match.nodes) {
        const auto found = taken.find(node);
        free &= found == taken.end();
        waits |= found != taken.end() && found->second;
      }
      if (!free && !(waits && candidate.rewrite)) continue;
      for (const Node* node : candidate.match.nodes) taken.emplace(node, candidate.rewrite != nullptr);
      if (free) chosen.push_back(std::move(candidate));
    }
    return chosen;
  }

  bool rewrite(std::vector<Candidate>& chosen) {
    bool any = false;
    for (Candidate& candidate : chosen) {
      if (!candidate.rewrite) continue;
      const std::vector<Node*> before = candidate.match.nodes;
      candidate.rewrite->apply(candidate.match);
      candidate.rewrite = nullptr;
      report_.changed(*candidate.match.root);
      forget_erased(before, candidate.match.nodes);
      if (!candidate.rule->fused_module.empty() && candidate.match.nodes.size() > 1) waiting_.push_back(candidate);
      any = true;
    }
    return any;
  }

  /// Waiting groups that lost a node to this rewrite wait no longer.
  void forget_erased(const std::vector<Node*>& before, const std::vector<Node*>& after) {
    for (const Node* node : before) {
      if (std::count(after.begin(), after.end(), node)) continue;
      std::erase_if(waiting_, [&](const Candidate& waiting) { return contains(waiting.match, *node); });
    }
  }

  void group(std::vector<Candidate>& chosen) {
    std::sort(chosen.begin(), chosen.end(), [](const Candidate& a, const Candidate& b) { return a.root_position < b.root_position; });
    for (Candidate& candidate : chosen) {
      refresh_inputs(candidate.match);
      report_.changed(form_group(model_, candidate.match, *candidate.rule));
    }
  }

  /// Rewrites changed what flows in; so did groups formed before.
  static void refresh_inputs(Match& match) {
    match.inputs.clear();
    for (const Node* node : match.nodes)
      for (Value* value : node->inputs())
        if (value && !contains(match, value->producer()) && !std::count(match.inputs.begin(), match.inputs.end(), value))
          match.inputs.push_back(value);
  }

  Model& model_;
  Graph& graph_;
  const std::vector<FusionRule>& rules_;
  const std::function<bool(const Node&)>& allowed_;
  PassReport& report_;
  std::vector<Candidate> waiting_;
  std::unordered_map<const Node*, size_t> position_;
  std::set<std::pair<std::string, size_t>> refused_;
};

}  // namespace

PassReport fuse(Model& model, const std::vector<FusionRule>& rules, const std::function<bool(const Node&)>& allowed) {
  PassReport report("fuse");
  for (const FusionRule& rule : rules) rewrite_of(rule);  // an unknown name is an error even where nothing matches
  for_each_graph(*model.graph, [&](Graph& graph) { Fuser(model, graph, rules, allowed, report).run(); });
  if (!report.changes.empty()) drop_dead(model);  // the weights of what was folded
  return report;
}

}  // namespace qtool
