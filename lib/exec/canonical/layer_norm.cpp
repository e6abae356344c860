#include "exec/canonical/layer_norm.h"

#include "graph/pattern.h"

namespace qtool {
namespace {

constexpr const char* kForms[] = {
    "Add(Mul(Div(Sub(?x, ReduceMean(?x, ...)), Sqrt(Add(ReduceMean(Pow(Sub(?x, ReduceMean(?x, ...)), 2), ...), const ?e))), const ?g), "
    "const ?b)",
    "Add(Mul(Div(Sub(?x, ReduceMean(?x, ...)), Sqrt(Add(ReduceMean(Mul(Sub(?x, ReduceMean(?x, ...)), Sub(?x, ReduceMean(?x, ...))), ...), "
    "const ?e))), const ?g), const ?b)"};

/// Axes of a ReduceMean: attribute before opset 18, input since.
std::vector<int64_t> axes_of(const Node& mean) {
  if (mean.in(1)) return mean.in(1)->constant() ? mean.in(1)->constant()->to_ints() : std::vector<int64_t>{};
  return mean.attr_or("axes", std::vector<int64_t>{});
}

bool is_over_last_axis(const Node& mean, size_t rank) {
  const auto axes = axes_of(mean);
  return mean.attr_or("keepdims", 1) == 1 && axes.size() == 1 && (axes[0] == -1 || axes[0] == static_cast<int64_t>(rank) - 1);
}

/// The factors act per element of the last axis, of one length.
bool is_row(const Tensor& tensor, int64_t length) {
  return tensor.dtype() == DType::float32 && tensor.rank() == 1 && tensor.size() == length;
}

bool applies(const Match& match) {
  const Value& x = *match.bindings.at("x");
  const Tensor& epsilon = *match.bindings.at("e")->constant();
  if (!x.type.dims || x.type.dims->empty() || !x.type.dims->back().known() || x.type.dtype != DType::float32 || epsilon.size() != 1)
    return false;
  for (const Node* node : match.nodes)
    if (node->is("ReduceMean") && !is_over_last_axis(*node, x.type.dims->size())) return false;
  const int64_t length = x.type.dims->back().value;
  return is_row(*match.bindings.at("g")->constant(), length) && is_row(*match.bindings.at("b")->constant(), length);
}

std::optional<Match> find_in(const Graph& graph, const Pattern& pattern) {
  for (Node& node : graph.nodes())
    if (node.is("Add"))
      if (auto found = match(pattern, node); found && applies(*found)) return found;
  return std::nullopt;
}

void join(Graph& graph, const Match& found) {
  Node& root = *found.root;
  Value& old = *root.out(0);
  Node& made = graph.add_call(NodeKind::call_function, "", "LayerNormalization",
                              {found.bindings.at("x"), found.bindings.at("g"), found.bindings.at("b")},
                              {graph.fresh_name(old.name() + "_joined")}, &root);
  made.name = root.name;
  made.set_attribute("axis", int64_t{-1});
  made.set_attribute("epsilon", static_cast<float>(found.bindings.at("e")->constant()->number_at(0)));
  made.out(0)->type = old.type;
  graph.replace_uses(old, *made.out(0));
  for (auto node = found.nodes.rbegin(); node != found.nodes.rend(); ++node) graph.erase(**node);
}

}  // namespace

bool has_layer_norm(const Model& model) {
  bool found = false;
  for (const char* form : kForms)
    for_each_graph(*model.graph, [&, pattern = Pattern::parse(form)](Graph& graph) { found = found || find_in(graph, pattern); });
  return found;
}

void join_layer_norms(Model& model) {
  for (const char* form : kForms)
    for_each_graph(*model.graph, [&, pattern = Pattern::parse(form)](Graph& graph) {
      while (const auto found = find_in(graph, pattern)) join(graph, *found);
    });
}

}  // namespace qtool
