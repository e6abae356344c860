#include "pass/rewrites/rewrite.h"

#include <algorithm>
#include <array>

namespace qtool {

#define QTOOL_REWRITE(name) extern const Rewrite k_##name;
#include "pass/rewrites/rewrites.inc"
#undef QTOOL_REWRITE

namespace {

constexpr std::array kRewrites{
#define QTOOL_REWRITE(name) &k_##name,
#include "pass/rewrites/rewrites.inc"
#undef QTOOL_REWRITE
};

}  // namespace

const Rewrite* find_rewrite(std::string_view name) {
  const auto found = std::find_if(kRewrites.begin(), kRewrites.end(), [&](const Rewrite* rewrite) { return rewrite->name == name; });
  return found == kRewrites.end() ? nullptr : *found;
}

std::vector<std::string_view> rewrite_names() {
  std::vector<std::string_view> names;
  for (const Rewrite* rewrite : kRewrites) names.push_back(rewrite->name);
  return names;
}

bool contains(const Match& match, const Node& node) { return std::count(match.nodes.begin(), match.nodes.end(), &node) != 0; }

void absorb(Match& match, Node& gone, Value& now) {
  Graph& graph = gone.graph();
  const std::string name = gone.out()->name();
  now.type = gone.out()->type;
  graph.replace_uses(*gone.out(), now);
  std::erase(match.nodes, &gone);
  if (match.root == &gone) match.root = &now.producer();
  graph.erase(gone);
  graph.rename(now, name);
}

void set_constant(Node& node, size_t i, Tensor tensor, const std::string& base) {
  Value* old = node.in(i);
  if (old && old->constant() && old->uses().size() == 1) {
    old->type = ValueType::of(tensor.dtype(), tensor.shape());
    old->producer().weight->tensor = std::move(tensor);
    return;
  }
  Graph& graph = node.graph();
  graph.set_input(node, i, graph.add_weight(graph.fresh_name(base), std::move(tensor)).out());
}

}  // namespace qtool
