// Constant folding through the operators' own evaluation.
#include <algorithm>
#include <array>

#include "ops/op_def.h"
#include "pass/tidy/passes.h"

namespace qtool {
namespace {

constexpr size_t kMaxGrowth = 64 << 10;  ///< bytes a result may be larger than its inputs

/// Codes of a constant are folded, what they stand for is not: a weight that is quantized stays so.
constexpr std::array kNeverFolded = {"DequantizeLinear",  "DynamicQuantizeLinear", "RandomNormal", "RandomUniform", "RandomNormalLike",
                                     "RandomUniformLike", "Multinomial",           "Bernoulli",    "Dropout",       "Constant"};

bool has_constant_inputs(const Node& node) {
  return std::all_of(node.inputs().begin(), node.inputs().end(), [](const Value* value) { return !value || value->constant(); });
}

bool is_candidate(const Node& node) {
  if (node.kind() != NodeKind::call_function || !node.bodies().empty() || !has_constant_inputs(node)) return false;
  if (node.domain.empty() && std::count(kNeverFolded.begin(), kNeverFolded.end(), node.op)) return false;
  return std::none_of(node.outputs().begin(), node.outputs().end(), [](const auto& value) { return value && value->is_graph_output(); });
}

std::vector<Tensor> input_tensors(const Node& node) {
  std::vector<Tensor> tensors;
  for (const Value* value : node.inputs()) tensors.push_back(value ? *value->constant() : Tensor());
  return tensors;
}

/// Bytes of the results as far as they can be told beforehand; nothing when a shape depends on the values computed.
std::optional<size_t> result_bytes(const OpDef& row, const Node& node, const std::vector<Tensor>& inputs, int64_t opset) {
  std::vector<ValueType> types;
  std::vector<const Tensor*> constants;
  for (const Tensor& tensor : inputs) {
    types.push_back(tensor.defined() ? ValueType::of(tensor.dtype(), tensor.shape()) : ValueType{});
    constants.push_back(tensor.defined() ? &tensor : nullptr);
  }
  size_t bytes = 0;
  for (const ValueType& type : row.infer(node, {types, constants, opset})) {
    const auto shape = type.shape();
    if (!shape) return std::nullopt;
    bytes += static_cast<size_t>(element_count(*shape)) * std::max<size_t>(element_size(type.dtype), 1);
  }
  return bytes;
}

/// Why the node stays; empty: it can be folded.
std::string refuse(const OpDef& row, const Node& node, const std::vector<Tensor>& inputs, int64_t opset) {
  size_t given = 0;
  for (const Tensor& tensor : inputs) {
    if (tensor.defined() && tensor.dtype() == DType::string) return "its input holds strings";
    given += tensor.defined() ? tensor.byte_size() : 0;
  }
  const auto bytes = result_bytes(row, node, inputs, opset);
  if (!bytes && given > kMaxGrowth) return "the size of its result is not known beforehand";
  if (bytes && *bytes > given + kMaxGrowth) return "its result is " + std::to_string(*bytes) + " bytes from " + std::to_string(given);
  return {};
}

void to_weights(Node& node, std::vector<Tensor>& results) {
  Graph& graph = node.graph();
  for (size_t i = 0; i < node.output_count(); ++i) {
    Value* value = node.out(i);
    if (!value || value->unused()) continue;
    const std::string name = value->name();
    graph.rename(*value, graph.fresh_name(name + "_folded"));
    graph.replace_uses(*value, *graph.add_weight(name, std::move(results[i])).out());
  }
  graph.erase(node);
}

void fold(const OpDef& row, Node& node, int64_t opset, PassReport& report) {
  const std::vector<Tensor> inputs = input_tensors(node);
  std::vector<Tensor> results(node.output_count());
  try {
    if (const std::string reason = refuse(row, node, inputs, opset); !reason.empty()) return report.skipped(node, reason);
    row.eval(node, inputs, results);
  } catch (const Error& error) {
    if (error.code() == ExitCode::bug) throw;
    return report.skipped(node, error.what());
  }
  for (size_t i = 0; i < results.size(); ++i)
    if (node.out(i) && !node.out(i)->unused() && !results[i].defined()) return report.skipped(node, "it gives no value for an output");
  report.changed(node);
  to_weights(node, results);
}

}  // namespace

PassReport fold_constants(Model& model) {
  PassReport report("fold_constants");
  for_each_graph(*model.graph, [&](Graph& graph) {
    for (Node& node : graph.editable()) {
      if (!is_candidate(node)) continue;
      const OpDef* row = find_op(model, node);
      if (row && row->eval) fold(*row, node, model.opset(node.domain), report);
    }
  });
  return report;
}

}  // namespace qtool
