#include "exec/canonical/channel_shuffle.h"

#include <algorithm>
#include <optional>

#include "exec/cluster/quantized.h"
#include "ops/op_def.h"

namespace qtool {
namespace {

/// The nodes of one shuffle, in order, and its groups.
struct Shuffle {
  Node *split, *join;
  std::vector<Node*> nodes;
  int64_t groups, each;
};

bool used_once(const Value* value) { return value && value->uses().size() == 1 && !value->is_graph_output(); }

bool is_plain(const Node& node, const char* op) { return node.is(op) && node.kind() == NodeKind::call_function; }

bool same_params(const Node& a, const Node& b) {
  const auto first = params_of(a), second = params_of(b);
  return first && second && *first == *second && !first->per_channel();
}

/// Collects the nodes from `node` up to the next that is neither Q nor DQ, which it returns; null where others see what is between.
/// `reference`: a DQ of the codes that all of them must keep.
Node* next_behind(Node& node, std::vector<Node*>& nodes, const Node* reference) {
  Node* at = &node;
  while (used_once(at->out(0))) {
    const Value* made = at->out(0);
    at = made->uses()[0].node;
    if (at->in(0) != made || !at->is_call() || &at->graph() != &node.graph()) return nullptr;
    if (!is_quantize(*at) && !is_dequantize(*at)) return at;
    if (!reference || !same_params(*reference, *at)) return nullptr;
    nodes.push_back(at);
  }
  return nullptr;
}

bool swaps_groups(const Node& transpose, size_t rank) {
  const auto perm = transpose.attr_or("perm", std::vector<int64_t>{});
  if (perm.size() != rank || rank < 4) return false;
  for (size_t d = 0; d < rank; ++d)
    if (perm[d] != (d == 1 ? 2 : d == 2 ? 1 : static_cast<int64_t>(d))) return false;
  return true;
}

bool known_and_equal(const Dim& a, const Dim& b) { return a.known() && b.known() && a.value == b.value; }

/// x [N, C, ...] and y [N, g, m, ...] with g * m == C and all but N known; N follows from the rest.
bool splits_channels(const Value& x, const Value& y) {
  if (!x.type.dims || !y.type.dims) return false;
  const auto &from = *x.type.dims, &to = *y.type.dims;
  if (from.size() < 3 || to.size() != from.size() + 1 || !from[1].known() || !to[1].known() || !to[2].known()) return false;
  for (size_t d = 2; d < from.size(); ++d)
    if (!known_and_equal(from[d], to[d + 1]) || from[d].value == 0) return false;
  return from[1].value > 0 && to[1].value * to[2].value == from[1].value;
}

bool same_but_batch(const Value& x, const Value& y) {
  if (!x.type.dims || !y.type.dims || x.type.dims->size() != y.type.dims->size()) return false;
  return std::equal(x.type.dims->begin() + 1, x.type.dims->end(), y.type.dims->begin() + 1, known_and_equal);
}

std::optional<Shuffle> shuffle_from(Node& split) {
  if (!is_plain(split, "Reshape") || !split.in(0) || !split.out(0) || !splits_channels(*split.in(0), *split.out(0))) return std::nullopt;
  const Node* reference = is_dequantize(split.in(0)->producer()) ? &split.in(0)->producer() : nullptr;
  Shuffle shuffle{&split, nullptr, {&split}, (*split.out(0)->type.dims)[1].value, (*split.out(0)->type.dims)[2].value};
  Node* transpose = next_behind(split, shuffle.nodes, reference);
  if (!transpose || !is_plain(*transpose, "Transpose") || !swaps_groups(*transpose, split.out(0)->type.dims->size())) return std::nullopt;
  shuffle.nodes.push_back(transpose);
  shuffle.join = next_behind(*transpose, shuffle.nodes, reference);
  if (!shuffle.join || !is_plain(*shuffle.join, "Reshape") || !shuffle.join->out(0)) return std::nullopt;
  if (shuffle.join->in(0) != shuffle.nodes.back()->out(0) || !same_but_batch(*split.in(0), *shuffle.join->out(0))) return std::nullopt;
  shuffle.nodes.push_back(shuffle.join);
  return shuffle;
}

/// Channel i of the result is channel (i % groups) * each + i / groups.
Tensor order_of(const Shuffle& shuffle) {
  std::vector<int64_t> order;
  for (int64_t i = 0; i < shuffle.groups * shuffle.each; ++i) order.push_back(i % shuffle.groups * shuffle.each + i / shuffle.groups);
  return Tensor::of<int64_t>({static_cast<int64_t>(order.size())}, order);
}

void join(Graph& graph, const Shuffle& shuffle) {
  Value& old = *shuffle.join->out(0);
  Value& order = *graph.add_weight(graph.fresh_name(old.name() + "_order"), order_of(shuffle)).out(0);
  Node& made = graph.add_call(NodeKind::call_function, "", "Gather", {shuffle.split->in(0), &order},
                              {graph.fresh_name(old.name() + "_shuffled")}, shuffle.join);
  made.name = shuffle.join->name;
  made.set_attribute("axis", int64_t{1});
  made.out(0)->type = old.type;
  graph.replace_uses(old, *made.out(0));
  for (auto node = shuffle.nodes.rbegin(); node != shuffle.nodes.rend(); ++node) graph.erase(**node);
}

}  // namespace

void join_channel_shuffles(Model& model) {
  for_each_graph(*model.graph, [](Graph& graph) {
    std::vector<Shuffle> found;
    for (Node& node : graph.nodes())
      if (node.is_call())
        if (auto shuffle = shuffle_from(node)) found.push_back(std::move(*shuffle));
    for (const Shuffle& shuffle : found) join(graph, shuffle);
  });
}

}  // namespace qtool
