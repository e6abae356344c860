// Forming: from an operator (or a lone Q or DQ) to the row of the table it belongs to.

#include <algorithm>
#include <array>

#include "exec/cluster/builder.h"
#include "exec/cluster/element_wise.h"
#include "exec/cluster/quantized.h"
#include "graph/observer.h"

namespace qtool {
namespace {

constexpr std::array<std::string_view, 4> kCompute{"Conv", "ConvTranspose", "Gemm", "MatMul"};
constexpr std::array<std::string_view, 4> kArithmetic{"Add", "Sub", "Mul", "Div"};

/// A product that takes codes and their parameters as inputs of its own: a compute cluster on what it is given.
bool is_product_of_codes(const Node& node) {
  return node.domain == "com.microsoft" && (node.op == "MatMulIntegerToFloat" || node.op == "MatMulNBits");
}

template <class Names>
bool is_one_of(const Node& node, const Names& names) {
  return node.kind() == NodeKind::call_function && node.domain.empty() && std::find(names.begin(), names.end(), node.op) != names.end();
}

Draft start(ClusterKind kind, Node& root) {
  Draft draft;
  draft.cluster.kind = kind;
  draft.cluster.root = &root;
  draft.cluster.nodes = {&root};
  draft.y = root.out(0);
  return draft;
}

std::vector<Operand> as_they_are(const Node& node) {
  std::vector<Operand> operands;
  for (Value* value : node.inputs()) operands.push_back({value, std::nullopt});
  return operands;
}

bool reads(uint32_t data_inputs, size_t i) { return data_inputs >> std::min<size_t>(i, 31) & 1; }

/// Codes on every data input, everything else as it is; nothing when a data input is not quantized per tensor.
std::optional<std::vector<Operand>> codes_on(const Node& node, uint32_t data_inputs) {
  std::vector<Operand> operands = as_they_are(node);
  size_t found = 0;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (!operands[i].value || !reads(data_inputs, i)) continue;
    auto codes = tensor_codes_behind(operands[i].value);
    if (!codes) return std::nullopt;
    operands[i] = std::move(*codes);
    ++found;
  }
  return found ? std::optional(std::move(operands)) : std::nullopt;
}

bool weight_fits(const Node& node, const Operand& weight, const QuantTraits& traits) {
  if (!weight.params->per_channel()) return true;
  return weight.constant() && traits.weight_axis && traits.weight_axis(node) == weight.params->axis;
}

/// Both factors as codes (the bias too where it is); nothing when they do not allow integer arithmetic.
std::optional<std::vector<Operand>> integer_factors(const Node& node, const QuantTraits& traits) {
  const auto x = tensor_codes_behind(node.in(0));
  const auto weight = codes_behind(node.in(1));
  if (!x || !weight || !weight_fits(node, *weight, traits)) return std::nullopt;
  std::vector<Operand> operands = as_they_are(node);
  operands[0] = *x;
  operands[1] = *weight;
  if (operands.size() > 2)
    if (const auto bias = codes_behind(node.in(2)); bias && bias->constant()) operands[2] = *bias;
  return operands;
}

/// The weight of a product of floats, where it alone is a constant matrix of 8-bit codes.
std::optional<Operand> packed_weight(const Node& node, const QuantTraits& traits) {
  if (!node.is("MatMul") && !node.is("Gemm")) return std::nullopt;
  auto weight = codes_behind(node.in(1));
  if (!weight || !weight->constant() || !weight_fits(node, *weight, traits)) return std::nullopt;
  return weight->value->constant()->rank() == 2 && bit_width(weight->params->dtype) <= 8 ? weight : std::nullopt;
}

bool same_numbers(const QuantParams& a, const QuantParams& b) {
  return a.dtype == b.dtype && a.scales == b.scales && a.zero_points == b.zero_points;
}

}  // namespace

Draft ClusterBuilder::form(Node& node) const {
  const OpDef* op = find_op(model_, node);
  std::optional<Draft> draft;
  if (is_observer(node)) draft = start(ClusterKind::observe, node);
  if (draft) draft->cluster.inputs = as_they_are(node);
  if (!draft && op) {
    const QuantTraits& traits = op->quant;
    if (is_one_of(node, kCompute)) draft = form_compute(node, traits);
    if (!draft && is_product_of_codes(node)) draft = form_product_of_codes(node);
    if (!draft) draft = form_unary(node);
    if (!draft && is_one_of(node, kArithmetic)) draft = form_arithmetic(node);
    if (!draft && traits.kind == QuantTraits::Kind::pass_through) draft = form_pass_through(node, traits);
    if (!draft && traits.kind == QuantTraits::Kind::reduce) draft = form_between(ClusterKind::reduce, node, 1);
    if (!draft && traits.kind == QuantTraits::Kind::same_scale) draft = form_between(ClusterKind::concat, node, ~0u);
    if (!draft && node.is("Softmax")) draft = form_before_quantize(ClusterKind::softmax, node);
    if (!draft && node.is("LayerNormalization")) draft = form_before_quantize(ClusterKind::normalize, node);
    if (!draft && node.is("LRN")) draft = form_between(ClusterKind::normalize, node, 1);
  }
  return draft ? std::move(*draft) : form_alone(node);
}

std::optional<Draft> ClusterBuilder::form_compute(Node& node, const QuantTraits& traits) const {
  if (!node.in(0) || !node.in(1) || !node.out(0)) return std::nullopt;
  Draft draft = start(ClusterKind::compute, node);
  if (auto factors = integer_factors(node, traits)) {
    draft.cluster.inputs = std::move(*factors);
    extend_integer(draft);
    return draft;
  }
  if (!may_be_float32(*node.in(0)) || !may_be_float32(*node.in(1))) return std::nullopt;
  draft.cluster.inputs = as_they_are(node);
  if (auto weight = packed_weight(node, traits)) draft.cluster.inputs[1] = std::move(*weight);
  extend_float(draft);
  return draft;
}

std::optional<Draft> ClusterBuilder::form_product_of_codes(Node& node) const {
  if (!node.out(0)) return std::nullopt;
  Draft draft = start(ClusterKind::compute, node);
  draft.cluster.inputs = as_they_are(node);
  extend_float(draft);
  return draft;
}

std::optional<Draft> ClusterBuilder::form_unary(Node& node) const {
  const auto data = unary_data_input(model_, node);
  if (!data) return std::nullopt;
  Draft draft = start(ClusterKind::unary, node);
  draft.cluster.inputs = as_they_are(node);
  if (auto codes = tensor_codes_behind(node.in(*data))) {
    Draft table = draft;
    table.cluster.inputs[*data] = std::move(*codes);
    while (add_activation(table)) {
    }
    if (end_in_quantize(table)) return table;
  }
  if (!may_be_float32(*node.in(*data))) return std::nullopt;
  while (add_activation(draft)) {
  }
  // The float chain leaves what a table can take: the part behind the last DQ is never in it, a Q behind it is its own cluster.
  return draft;
}

std::optional<Draft> ClusterBuilder::form_arithmetic(Node& node) const {
  if (node.input_count() != 2 || !node.in(0) || !node.in(1) || !node.out(0)) return std::nullopt;
  Draft draft = start(ClusterKind::arithmetic, node);
  while (add_activation(draft)) {
  }
  if (auto codes = codes_on(node, 3)) {
    Draft quantized = draft;
    quantized.cluster.inputs = std::move(*codes);
    if (end_in_quantize(quantized)) return quantized;
  }
  if (!may_be_float32(*node.in(0)) || !may_be_float32(*node.in(1))) return std::nullopt;
  draft.cluster.inputs = as_they_are(node);
  return draft;
}

std::optional<Draft> ClusterBuilder::form_pass_through(Node& node, const QuantTraits& traits) const {
  auto codes = codes_on(node, traits.data_inputs);
  if (!codes) return std::nullopt;
  Draft draft = start(ClusterKind::pass_through, node);
  draft.cluster.inputs = std::move(*codes);
  const Operand* first = nullptr;
  for (const Operand& operand : draft.cluster.inputs) {
    if (!operand.quantized()) continue;
    if (first && !same_numbers(*first->params, *operand.params)) return std::nullopt;
    first = &operand;
  }
  for (const auto& output : node.outputs()) {
    Node* quantize = output ? sole_quantize(*output) : nullptr;
    const auto params = quantize ? params_of(*quantize) : std::nullopt;
    if (!params || !same_numbers(*first->params, *params)) return std::nullopt;
    draft.cluster.nodes.push_back(quantize);
    draft.cluster.outputs.push_back({quantize->out(0), params});
  }
  return draft;
}

std::optional<Draft> ClusterBuilder::form_between(ClusterKind kind, Node& node, uint32_t data_inputs) const {
  if (node.output_count() != 1 || !node.out(0)) return std::nullopt;
  auto codes = codes_on(node, data_inputs);
  Draft draft = start(kind, node);
  if (!codes || !end_in_quantize(draft)) return std::nullopt;
  draft.cluster.inputs = std::move(*codes);
  return draft;
}

std::optional<Draft> ClusterBuilder::form_before_quantize(ClusterKind kind, Node& node) const {
  if (auto draft = form_between(kind, node, 1)) return draft;
  Draft draft = start(kind, node);
  if (node.output_count() != 1 || !node.out(0) || !node.in(0) || !may_be_float32(*node.in(0)) || !end_in_quantize(draft))
    return std::nullopt;
  draft.cluster.inputs = as_they_are(node);
  return draft;
}

Draft ClusterBuilder::form_alone(Node& node) const {
  Draft draft = start(ClusterKind::node, node);
  draft.cluster.inputs = as_they_are(node);
  for (const auto& output : node.outputs()) draft.cluster.outputs.push_back({output.get(), std::nullopt});
  return draft;
}

Draft ClusterBuilder::form_conversion(Node& node) const {
  const auto params = params_of(node);
  if (!params || params->per_channel() || !node.in(0) || !node.out(0)) return form_alone(node);
  Draft draft = start(is_quantize(node) ? ClusterKind::quantize : ClusterKind::dequantize, node);
  draft.cluster.inputs = {{node.in(0), std::nullopt}};
  draft.cluster.outputs = {{node.out(0), std::nullopt}};
  (is_quantize(node) ? draft.cluster.outputs : draft.cluster.inputs)[0].params = params;
  if (!is_quantize(node)) return draft;
  if (auto codes = tensor_codes_behind(node.in(0))) {
    draft.cluster.kind = ClusterKind::requantize;
    draft.cluster.inputs[0] = std::move(*codes);
    return draft;
  }
  return may_be_float32(*node.in(0)) ? draft : form_alone(node);
}

}  // namespace qtool
