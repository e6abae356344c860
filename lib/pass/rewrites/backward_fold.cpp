#include "pass/rewrites/backward_fold.h"

#include <algorithm>
#include <array>

#include "pass/rewrites/linear_node.h"

namespace qtool {
namespace {

constexpr std::array kMovers = {"Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Identity", "MatMul"};

/// linear -> [add] -> [movers] -> affine
struct Chain {
  Node* affine = nullptr;
  Node* add = nullptr;
  std::optional<LinearNode> linear;
  bool moved = false;
  ChannelAffine effect;
};

bool is_mover(const Node& node) {
  if (node.is("MatMul") && (!node.in(1) || node.in(1)->constant())) return false;
  return std::count(kMovers.begin(), kMovers.end(), node.op) != 0 && node.domain.empty();
}

Node* producer_in(const Match& match, const Value* value) {
  return value && contains(match, value->producer()) ? &value->producer() : nullptr;
}

std::optional<Chain> chain_behind(const Match& match, Node& affine) {
  Chain chain;
  chain.affine = &affine;
  Node* at = producer_in(match, data_input(affine));
  while (at && is_mover(*at)) {
    chain.moved = true;
    at = producer_in(match, at->in(0));
  }
  if (at && at->is("Add") && data_input(*at)) {
    chain.add = at;
    at = producer_in(match, data_input(*at));
  }
  if (at) chain.linear = LinearNode::of(*at);
  return chain.linear ? std::optional(chain) : std::nullopt;
}

void measure(Chain& chain) {
  const Channels& channels = chain.linear->outputs();
  ChannelAffine own;
  if (chain.moved) {  // only a scalar means the same after elements have moved
    own = affine_of(*chain.affine, {1, 0, true});
    if (own.ok() && !own.is_uniform_scale()) own.reason = "the constant is no plain factor, and the elements have moved";
    own.scale.resize(static_cast<size_t>(channels.count), own.ok() ? own.scale[0] : 0);
    own.shift.resize(own.scale.size(), 0);
  } else {
    own = affine_of(*chain.affine, channels);
  }
  chain.effect = chain.add ? compose(affine_of(*chain.add, channels), own) : own;
}

std::optional<Chain> find_chain(const Match& match, bool (*wanted)(const Node&)) {
  for (Node* node : match.nodes) {
    if (!wanted(*node)) continue;
    auto chain = chain_behind(match, *node);
    if (!chain || !chain->linear->reason().empty()) {
      if (chain) return chain;
      continue;
    }
    measure(*chain);
    return chain;
  }
  return std::nullopt;
}

/// MatMul, where all there is to fold is the one shift: it is the Add of a linear layer already.
bool is_plain_bias(const Chain& chain) {
  const ChannelAffine& effect = chain.effect;
  return !chain.linear->has_bias_input() && !chain.add && chain.affine->is("Add") &&
         std::all_of(effect.scale.begin(), effect.scale.end(), [](double value) { return value == 1; });
}

/// The value after the linear node, with the shift a MatMul cannot hold.
Value& with_shift(Match& match, const Chain& chain) {
  Node& node = chain.linear->node();
  if (chain.linear->has_bias_input() || !chain.effect.shifts()) return *node.out();
  Graph& graph = node.graph();
  const Tensor& weight = *node.in(1)->constant();
  Tensor shift = from_doubles(weight.dtype(), {chain.linear->outputs().count}, chain.effect.shift);
  Value* constant = graph.add_weight(graph.fresh_name(node.in(1)->name() + "_bias"), std::move(shift)).out();
  Node& last = chain.add ? *chain.add : *chain.affine;
  Value& sum = graph.call("Add", {node.out(), constant}, graph.fresh_name(last.out()->name() + "_sum"), &last);
  sum.producer().name = last.name;
  match.nodes.insert(std::find(match.nodes.begin(), match.nodes.end(), &last), &sum.producer());
  return sum;
}

}  // namespace

std::optional<std::string> refuse_backward(const Match& match, bool (*wanted)(const Node&)) {
  const auto chain = find_chain(match, wanted);
  if (!chain) return "no linear operator with a constant weight in front";
  if (!chain->linear->reason().empty()) return chain->linear->node().op + ": " + chain->linear->reason();
  if (!chain->effect.ok()) return chain->effect.reason;
  if (is_plain_bias(*chain)) return "";
  return std::nullopt;
}

void apply_backward(Match& match, bool (*wanted)(const Node&)) {
  const Chain chain = *find_chain(match, wanted);
  chain.linear->scale_outputs(chain.effect);
  Value& linear_output = with_shift(match, chain);
  if (chain.add) absorb(match, *chain.add, linear_output);
  Value& data = chain.add || chain.moved ? *data_input(*chain.affine) : linear_output;
  absorb(match, *chain.affine, data);
}

}  // namespace qtool
