#include "evaluate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "ops/op_def.h"
#include "support/models.h"

namespace qtool::testing {
namespace {

using Environment = std::unordered_map<const Value*, Tensor>;

class Evaluator {
 public:
  explicit Evaluator(const Model& model) : model_(model) {}

  std::vector<Tensor> graph(const Graph& graph, Environment& values) {
    std::vector<Tensor> results;
    for (Node& node : graph.nodes()) {
      if (node.kind() == NodeKind::get_attr) values[node.out()] = node.weight->tensor;
      if (node.kind() == NodeKind::output) results = inputs(node, values);
      if (node.is_call()) with_frame(node.path(), [&] { call(node, values); });
    }
    return results;
  }

 private:
  static std::vector<Tensor> inputs(const Node& node, const Environment& values) {
    std::vector<Tensor> tensors;
    for (Value* value : node.inputs()) tensors.push_back(value ? values.at(value) : Tensor());
    return tensors;
  }

  std::vector<Tensor> branch(const Node& node, bool condition, Environment& values) {
    for (const Node::Body& body : node.bodies())
      if (body.attribute == (condition ? "then_branch" : "else_branch")) return graph(*body.graph, values);
    throw bug("If without its branch");
  }

  std::vector<Tensor> module(const Node& node, const std::vector<Tensor>& given) {
    const Function& function = model_.function_of(node);
    Environment inside;
    const auto placeholders = function.body->placeholders();
    for (size_t i = 0; i < placeholders.size(); ++i) inside[placeholders[i]->out()] = i < given.size() ? given[i] : Tensor();
    return graph(*function.body, inside);
  }

  void call(const Node& node, Environment& values) {
    const std::vector<Tensor> given = inputs(node, values);
    std::vector<Tensor> results(node.output_count());
    if (node.kind() == NodeKind::call_module) {
      results = module(node, given);
    } else if (node.is("If")) {
      results = branch(node, given[0].number_at(0) != 0, values);
    } else {
      const OpDef* row = find_op(model_, node);
      if (!row || !row->eval) throw unsupported("no eval for " + node.target());
      row->eval(node, given, results);
    }
    for (size_t i = 0; i < node.output_count(); ++i)
      if (node.out(i)) values[node.out(i)] = results[i];
  }

  const Model& model_;
};

double distance(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return std::numeric_limits<double>::infinity();
  double worst = 0;
  for (int64_t i = 0; i < a.size(); ++i) {
    const double x = a.number_at(i), y = b.number_at(i);
    if (std::isnan(x) != std::isnan(y)) return std::numeric_limits<double>::infinity();
    if (x != y && !std::isnan(x)) worst = std::max(worst, std::abs(x - y) / (1 + std::abs(x)));
  }
  return worst;
}

}  // namespace

Values evaluate(const Model& model, const Values& inputs) {
  Environment values;
  for (Node* node : model.graph->placeholders()) {
    const auto given = inputs.find(node->out()->name());
    values[node->out()] = given != inputs.end() ? given->second : node->weight->tensor;
  }
  const std::vector<Tensor> results = Evaluator(model).graph(*model.graph, values);
  Values named;
  for (size_t i = 0; i < results.size(); ++i) named[model.graph->output().in(i)->name()] = results[i];
  return named;
}

Values random_inputs(const Model& model, unsigned seed) {
  Values values;
  for (const Node* node : model.graph->placeholders()) {
    Shape shape;
    for (const Dim& dim : *node->out()->type.dims) shape.push_back(dim.known() ? dim.value : 2);
    values[node->out()->name()] = random_tensor(node->out()->type.dtype, shape, node->out()->name(), seed);
  }
  return values;
}

double distance(const Values& a, const Values& b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  double worst = 0;
  for (const auto& [name, tensor] : a) {
    const auto other = b.find(name);
    if (other == b.end()) return std::numeric_limits<double>::infinity();
    worst = std::max(worst, distance(tensor, other->second));
  }
  return worst;
}

std::vector<std::string> operators(const Model& model) {
  std::vector<std::string> found;
  for_each_graph(*model.graph, [&](Graph& graph) {
    for (const Node& node : graph.nodes())
      if (node.is_call()) found.push_back(node.op);
  });
  return found;
}

size_t count(const Model& model, const std::string& op) {
  const auto all = operators(model);
  return static_cast<size_t>(std::count(all.begin(), all.end(), op));
}

}  // namespace qtool::testing
