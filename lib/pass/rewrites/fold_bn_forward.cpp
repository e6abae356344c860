// fold_bn_forward: BatchNormalization (or Mul, Div, Add, Sub with a constant) into the linear operator behind it:
//
//   W (s x + t) + b = (W s) x + (W t + b)        s, t: one value an input channel
//
// A shift cannot pass a border of zeros: with padding only a scale folds. MatMul has no bias: what the shift adds stays as one Add.
#include <algorithm>

#include "pass/rewrites/linear_node.h"
#include "pass/rewrites/rewrite.h"

namespace qtool {
namespace {

struct Pair {
  Node* affine;
  LinearNode linear;
};

std::optional<Pair> find_pair(const Match& match) {
  for (Node* node : match.nodes) {
    if (node->is("BatchNormalization") || !node->in(0) || !contains(match, node->in(0)->producer())) continue;
    Node& front = node->in(0)->producer();
    if (!data_input(front)) continue;
    if (auto linear = LinearNode::of(*node)) return Pair{&front, *linear};
  }
  return std::nullopt;
}

std::optional<std::string> refuse(const Match& match) {
  const auto pair = find_pair(match);
  if (!pair) return "no linear operator with a constant weight behind";
  const Node& node = pair->linear.node();
  if (!pair->linear.reason().empty()) return node.op + ": " + pair->linear.reason();
  if (node.attr_or("transA", 0) != 0) return "Gemm transposes its input";
  const ChannelAffine affine = affine_of(*pair->affine, pair->linear.inputs());
  if (!affine.ok()) return affine.reason;
  if (affine.shifts() && pair->linear.is_padded()) return "the shift cannot pass the padding of " + node.op;
  return std::nullopt;
}

/// The Add behind a MatMul that holds what its missing bias would.
void add_behind(Match& match, Node& node, const std::vector<double>& shift) {
  if (std::all_of(shift.begin(), shift.end(), [](double value) { return value == 0; })) return;
  Graph& graph = node.graph();
  const DType dtype = node.in(1)->constant()->dtype();
  Tensor tensor = from_doubles(dtype, {static_cast<int64_t>(shift.size())}, shift);
  Value* constant = graph.add_weight(graph.fresh_name(node.in(1)->name() + "_bias"), std::move(tensor)).out();
  const std::string name = node.out()->name();
  graph.rename(*node.out(), graph.fresh_name(name + "_product"));
  Value& sum = graph.call("Add", {node.out(), constant}, name);
  graph.move_before(sum.producer(), node);
  graph.move_before(node, sum.producer());
  sum.type = node.out()->type;
  graph.replace_uses(*node.out(), sum, &sum.producer());
  match.nodes.insert(std::next(std::find(match.nodes.begin(), match.nodes.end(), &node)), &sum.producer());
  if (match.root == &node) match.root = &sum.producer();
}

void apply(Match& match) {
  const Pair pair = *find_pair(match);
  const std::vector<double> added = pair.linear.scale_inputs(affine_of(*pair.affine, pair.linear.inputs()));
  Graph& graph = pair.affine->graph();
  graph.replace_uses(*pair.affine->out(), *data_input(*pair.affine));
  std::erase(match.nodes, pair.affine);
  graph.erase(*pair.affine);
  if (!pair.linear.has_bias_input()) add_behind(match, pair.linear.node(), added);
}

}  // namespace

extern const Rewrite k_fold_bn_forward{"fold_bn_forward", refuse, apply};

}  // namespace qtool
