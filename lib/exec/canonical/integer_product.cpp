#include "exec/canonical/integer_product.h"

#include "graph/pattern.h"

namespace qtool {
namespace {

constexpr const char* kDomain = "com.microsoft";
constexpr const char* kForm = "Mul(Cast(MatMulInteger(?a, const ?b, ?z, ?y=), @to=1), Mul(?s, const ?w))";

bool is_number(const Value& value) { return value.type.shape() && element_count(*value.type.shape()) == 1; }

/// One number, or one a column.
bool is_row(const Tensor& tensor, int64_t columns) {
  return tensor.size() == 1 || (tensor.size() == columns && tensor.shape().back() == columns);
}

bool applies(const Match& found) {
  const auto of = [&](const char* name) { return found.bindings.at(name); };
  const Tensor &b = *of("b")->constant(), &scale = *of("w")->constant();
  if (b.rank() != 2 || scale.dtype() != DType::float32 || !is_row(scale, b.shape()[1])) return false;
  if (!is_number(*of("z")) || !is_number(*of("s")) || of("s")->type.dtype != DType::float32) return false;
  const auto zero = found.bindings.find("y");
  if (zero == found.bindings.end() || !zero->second) return true;
  return zero->second->constant() && is_row(*zero->second->constant(), b.shape()[1]);
}

void join(Graph& graph, const Match& found) {
  Node& root = *found.root;
  Value& old = *root.out(0);
  const auto of = [&](const char* name) {
    const auto bound = found.bindings.find(name);
    return bound == found.bindings.end() ? nullptr : bound->second;
  };
  std::vector<Value*> inputs{of("a"), of("b"), of("s"), of("w"), of("z")};
  if (Value* zero = of("y")) inputs.push_back(zero);
  Node& made =
      graph.add_call(NodeKind::call_function, kDomain, "MatMulIntegerToFloat", inputs, {graph.fresh_name(old.name() + "_joined")}, &root);
  made.name = root.name;
  made.out(0)->type = old.type;
  graph.replace_uses(old, *made.out(0));
  for (auto node = found.nodes.rbegin(); node != found.nodes.rend(); ++node) graph.erase(**node);
}

size_t join_in(Graph& graph, const Pattern& form) {
  std::vector<Node*> products;
  for (Node& node : graph.nodes())
    if (node.is("Mul")) products.push_back(&node);
  size_t joined = 0;
  for (Node* node : products) {
    const auto found = match(form, *node);
    if (!found || !applies(*found)) continue;
    join(graph, *found);
    ++joined;
  }
  return joined;
}

}  // namespace

void join_integer_products(Model& model) {
  size_t joined = 0;
  for_each_graph(*model.graph, [&, form = Pattern::parse(kForm)](Graph& graph) { joined += join_in(graph, form); });
  if (joined > 0 && model.opset(kDomain) == 0) model.set_opset(kDomain, 1);
}

}  // namespace qtool
