#include "quantize/groups.h"

#include <algorithm>

namespace qtool {

void TensorGroups::join(const Value* a, const Value* b) {
  if (holds(a) && holds(b)) parent_[root(a)] = root(b);
}

const Value* TensorGroups::root(const Value* value) const {
  while (parent_.at(value) != value) value = parent_.at(value);
  return value;
}

namespace {

void join_sides(TensorGroups& groups, const NodeDecision& decision) {
  const Node& call = *decision.call;
  const Value* first = decision.data.empty() ? call.out(0) : call.in(decision.data.front());
  for (const size_t input : decision.data) groups.join(call.in(input), first);
  for (const auto& value : call.outputs())
    if (value) groups.join(value.get(), first);
}

/// If: output i of each branch is output i of the node.
void join_if(TensorGroups& groups, const Node& node) {
  for (const Node::Body& body : node.bodies())
    for (size_t i = 0; i < node.output_count(); ++i)
      if (node.out(i) && body.graph->output().in(i)) groups.join(body.graph->output().in(i), node.out(i));
}

/// Loop: carried value k enters as input 2 + k, is placeholder 2 + k of the body, leaves it as output 1 + k and the node as output k.
/// Scan: state k enters as input k, is placeholder k, leaves as output k and k.
void join_carried(TensorGroups& groups, const Node& node, size_t states, size_t first_input, size_t first_body_output) {
  const std::vector<Node::Body> bodies = node.bodies();
  if (bodies.size() != 1) return;
  const Graph& body = *bodies[0].graph;
  const std::vector<Node*> placeholders = body.placeholders();
  for (size_t k = 0; k < states; ++k) {
    if (first_input + k >= placeholders.size()) return;
    const Value* inside = placeholders[first_input + k]->out(0);
    if (!groups.holds(inside)) continue;
    for (const Value* other : {static_cast<const Value*>(node.in(first_input + k)), static_cast<const Value*>(node.out(k)),
                               static_cast<const Value*>(body.output().in(first_body_output + k))})
      if (other) groups.join(inside, other);
  }
}

void join_borders(TensorGroups& groups, const Node& node) {
  if (node.is("If")) join_if(groups, node);
  if (node.is("Loop") && node.input_count() >= 2) join_carried(groups, node, node.input_count() - 2, 2, 1);
  if (node.is("Scan")) {
    const auto scanned = static_cast<size_t>(std::max<int64_t>(0, node.attr_or("num_scan_inputs", 0)));
    if (scanned <= node.input_count()) join_carried(groups, node, node.input_count() - scanned, 0, 0);
  }
}

bool wants_one_scale(const NodeDecision& decision, const Placement& placement) {
  const auto& list = placement.share_scale;
  return std::find(list.begin(), list.end(), decision.root->op) != list.end();
}

}  // namespace

TensorGroups group_tensors(const std::vector<NodeDecision>& nodes, const std::unordered_set<const Value*>& coded,
                           const Placement& placement) {
  TensorGroups groups;
  for (const Value* value : coded) groups.add(value);
  for (const NodeDecision& decision : nodes) {
    join_borders(groups, *decision.call);
    if (!decision.quantized) continue;
    if (decision.role == QuantTraits::Kind::pass_through || wants_one_scale(decision, placement)) join_sides(groups, decision);
  }
  return groups;
}

}  // namespace qtool
