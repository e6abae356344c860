#include "quantize/spread.h"

#include "quantize/layers.h"

#include <algorithm>
#include <unordered_map>

namespace qtool {
namespace {

using Kind = QuantTraits::Kind;

class Spreader {
 public:
  explicit Spreader(std::vector<NodeDecision>& nodes) : nodes_(nodes) {
    for (NodeDecision& decision : nodes_) {
      candidate_[&decision] = decision.reasons.empty();
      by_call_[decision.call] = &decision;
    }
  }

  std::unordered_set<const Value*> run() {
    for (NodeDecision& decision : nodes_)
      if (candidate_[&decision] && starts(decision)) quantize(decision);
    while (backward() | forward()) {
    }
    while (prune()) {
    }
    return coded_;
  }

 private:
  static const Value* data(const NodeDecision& decision, size_t i) { return decision.call->in(decision.data[i]); }

  /// What is quantized for its own sake, not because of its neighbours.
  static bool starts(const NodeDecision& decision) {
    return decision.role == Kind::compute || is_recurrent(*decision.root) || (decision.role == Kind::arithmetic && decision.float_output);
  }

  void quantize(NodeDecision& decision) {
    decision.quantized = true;
    for (size_t i = 0; i < decision.data.size(); ++i) coded_.insert(data(decision, i));
    if (!needs_coded_output(decision)) return;
    for (const auto& value : decision.call->outputs())
      if (value) coded_.insert(value.get());
  }

  bool waits(const NodeDecision& decision) const { return candidate_.at(&decision) && !decision.quantized; }

  bool output_coded(const NodeDecision& decision) const {
    const auto& outputs = decision.call->outputs();
    return std::any_of(outputs.begin(), outputs.end(), [&](const auto& value) { return value && coded_.count(value.get()); });
  }

  size_t coded_inputs(const NodeDecision& decision) const {
    size_t count = 0;
    for (size_t i = 0; i < decision.data.size(); ++i) count += coded_.count(data(decision, i));
    return count;
  }

  /// Codes behind a call that only moves elements may be made in front of it; a call that mixes inputs takes all of them as codes
  /// when codes are wanted behind it and some of them are codes already.
  bool backward() {
    bool changed = false;
    for (auto at = nodes_.rbegin(); at != nodes_.rend(); ++at) {
      if (!waits(*at) || !output_coded(*at)) continue;
      const bool mixes = at->role == Kind::same_scale || at->role == Kind::arithmetic;
      if (at->role != Kind::pass_through && !(mixes && coded_inputs(*at) > 0)) continue;
      quantize(*at);
      changed = true;
    }
    return changed;
  }

  bool forward() {
    bool changed = false;
    for (NodeDecision& decision : nodes_) {
      if (!waits(decision) || starts(decision) || coded_inputs(decision) != decision.data.size()) continue;
      quantize(decision);
      changed = true;
    }
    return changed;
  }

  bool taken_as_codes(const Value& value) const {
    for (const Use& use : value.uses()) {
      const auto found = by_call_.find(use.node);
      if (found == by_call_.end() || !found->second->quantized) continue;
      const auto& inputs = found->second->data;
      if (std::find(inputs.begin(), inputs.end(), use.input) != inputs.end()) return true;
    }
    return false;
  }

  /// One call whose codes nobody takes falls back to float; its tensors are float again unless someone else needs them.
  bool prune() {
    for (auto at = nodes_.rbegin(); at != nodes_.rend(); ++at) {
      NodeDecision& decision = *at;
      if (!decision.quantized || starts(decision) || decision.float_output) continue;
      const auto& outputs = decision.call->outputs();
      if (std::any_of(outputs.begin(), outputs.end(), [&](const auto& value) { return value && taken_as_codes(*value); })) continue;
      decision.quantized = false;
      decision.reasons.push_back("nothing behind it takes codes");
      candidate_[&decision] = false;
      recount();
      return true;
    }
    return false;
  }

  void recount() {
    coded_.clear();
    for (NodeDecision& decision : nodes_)
      if (decision.quantized) quantize(decision);
  }

  std::vector<NodeDecision>& nodes_;
  std::unordered_map<const NodeDecision*, bool> candidate_;
  std::unordered_map<const Node*, NodeDecision*> by_call_;
  std::unordered_set<const Value*> coded_;
};

}  // namespace

bool needs_coded_output(const NodeDecision& decision) {
  if (decision.float_output || is_recurrent(*decision.root)) return false;
  return decision.role != Kind::compute || decision.root->is("Conv") || decision.root->is("ConvTranspose");
}

std::unordered_set<const Value*> spread_codes(std::vector<NodeDecision>& nodes) {
  std::unordered_set<const Value*> coded = Spreader(nodes).run();
  for (NodeDecision& decision : nodes)
    if (!decision.quantized && decision.reasons.empty())
      decision.reasons.push_back(decision.data.empty() ? "nothing behind it takes codes" : "its inputs are float");
  return coded;
}

}  // namespace qtool
