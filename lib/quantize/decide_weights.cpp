#include "quantize/decide_weights.h"

#include <algorithm>

#include "quantize/decide.h"
#include "quantize/dynamic_linear.h"
#include "quantize/layers.h"
#include "quantize/wrap_regions.h"

namespace qtool {
namespace {

constexpr int64_t kWorthStoring = 256;  ///< elements; below, scales and the DQ node eat what is saved

bool is_float(const Value& value) { return value.type.dtype == DType::float32 || value.type.dtype == DType::undefined; }

/// Why DynamicQuantizeLinear cannot do what the qconfig asks for; empty: it can.
std::string not_dynamic(const ObserverSpec& activation, const Node& root) {
  if (activation.dtype == DType::uint8 && activation.qscheme == QScheme::per_tensor_affine && activation.codes == full_range(DType::uint8))
    return {};
  if (is_by_row(activation) && is_linear(root)) return {};
  return "activations are quantized at run time by DynamicQuantizeLinear, which gives all codes of uint8, per tensor, affine, or by rows "
         "of "
         "MatMul and Gemm as int8, per_channel_symmetric; the qconfig asks for another type, scheme or range";
}

/// Why a linear layer has no integer form; empty: it has.
std::string not_integer(const Node& root, const Tensor& weight) {
  if (weight.rank() < 2) return "its weight is a vector";
  if (!root.is("Gemm")) return {};
  if (root.attr_or("transA", 0) != 0) return "it transposes its input";
  if (root.attr_or("beta", 1.0f) != 1.0f) return "its bias has a factor";
  return {};
}

class WeightDecider {
 public:
  WeightDecider(Model& model, Mode mode, const QConfigMapping& qconfig, const BackendConfig& backend, const DecideOptions& options)
      : model_(model), mode_(mode), qconfig_(qconfig), backend_(backend), options_(options), table_(backend) {
    plan_.mode = mode;
  }

  QuantPlan run() {
    visit(*model_.graph);
    return std::move(plan_);
  }

 private:
  void visit(Graph& graph) {
    for (Node& node : graph.nodes()) {
      for (const Node::Body& body : node.bodies()) visit(*body.graph);
      const auto& outputs = node.outputs();
      if (node.is_call() && std::any_of(outputs.begin(), outputs.end(), [](const auto& value) { return value && is_float(*value); }))
        plan_.nodes.push_back(consider(node));
    }
  }

  bool is_for_mode(const DTypeConfig& config) const { return mode_ == Mode::dynamic ? config.is_dynamic : config.weight_only(); }
  bool has_mode(const BackendPattern& row) const {
    return std::any_of(row.dtype_configs.begin(), row.dtype_configs.end(), [&](const DTypeConfig& each) { return is_for_mode(each); });
  }

  NodeDecision consider(Node& call) {
    NodeDecision decision;
    decision.call = &call;
    decision.root = &call;
    const BackendPattern* row = table_.row_of(model_, call, [&](const BackendPattern& each) { return has_mode(each); });
    const bool listed = row != nullptr;
    if (!row) row = table_.row_of(model_, call);
    SeenThrough seen;
    if (row) seen = see_through(model_, call, *row);
    if (seen.root) decision.root = seen.root;
    if (row) decision.pattern = row->pattern;
    if (!options_.all_float.empty()) return refused(decision, options_.all_float);
    if (is_wrapped_call(call)) return refused(decision, "it is wrapped");
    if (row)
      choose_rule(qconfig_, call, *decision.root, *row);
    else
      note_rules(qconfig_, call);
    const std::vector<size_t> inputs = weight_inputs(*decision.root);
    if (inputs.empty() || (mode_ == Mode::dynamic && is_embedding(*decision.root))) return refused(decision, no_layer());
    if (!has_constant(call, seen, inputs)) return refused(decision, "its weight is not a constant");
    if (!listed) return refused(decision, "backend \"" + backend_.name + "\" does not compute it in mode " + std::string(name_of(mode_)));
    rule(decision, *row);
    for (const size_t input : inputs)
      if (input < seen.call_input.size() && seen.call_input[input] && call.in(*seen.call_input[input]))
        apply_weight_rule(qconfig_, *seen.call_input[input], decision);
    const size_t before = plan_.tables.size();
    for (const size_t input : inputs) take(decision, seen, input);
    decision.quantized = decision.eligible = decision.reasons.empty();
    if (!decision.quantized) plan_.tables.resize(before);
    return decision;
  }

  /// Unknown to the backend counts as constant: that is the reason to be told then.
  static bool has_constant(const Node& call, const SeenThrough& seen, const std::vector<size_t>& inputs) {
    return std::all_of(inputs.begin(), inputs.end(), [&](size_t input) {
      if (input >= seen.call_input.size() || !seen.call_input[input]) return true;
      const Value* value = call.in(*seen.call_input[input]);
      return value && (value->constant() || value->producer().is("DequantizeLinear"));
    });
  }

  std::string no_layer() const {
    return mode_ == Mode::dynamic ? "only MatMul, Gemm, LSTM, GRU and RNN are quantized at run time"
                                  : "only the weights of linear layers, embeddings, LSTM, GRU and RNN are stored as codes";
  }

  static NodeDecision refused(NodeDecision decision, std::string reason) {
    decision.reasons.push_back(std::move(reason));
    return decision;
  }

  void rule(NodeDecision& decision, const BackendPattern& row) {
    const QConfigChoice choice = choose_rule(qconfig_, *decision.call, *decision.root, row);
    decision.rule = choice.rule;
    decision.qconfig = choice.qconfig;
    auto refuse = [&](std::string reason) { decision.reasons.push_back(std::move(reason) + " (" + choice.rule + ")"); };
    if (!choice.qconfig) return refuse("the qconfig leaves it float");
    const auto& [activation, weight, where] = *choice.qconfig;
    if (!weight.quantizes()) refuse("the qconfig does not quantize its weight");
    if (mode_ == Mode::weight_only && activation.quantizes()) refuse("the qconfig quantizes its activations, weight-only wants them float");
    if (mode_ == Mode::dynamic && !activation.dynamic())
      refuse("the qconfig does not quantize its activations at run time, dynamic wants observer placeholder");
    else if (mode_ == Mode::dynamic && !not_dynamic(activation, *decision.root).empty())
      refuse(not_dynamic(activation, *decision.root));
    if (decision.reasons.empty()) constraints(decision, row);
  }

  void constraints(NodeDecision& decision, const BackendPattern& row) {
    std::vector<std::string> reasons;
    for (const DTypeConfig& config : row.dtype_configs) {
      if (!is_for_mode(config)) continue;
      const std::vector<std::string> own = unmet(*decision.qconfig, config);
      if (own.empty()) return;
      for (const std::string& reason : own)
        if (std::find(reasons.begin(), reasons.end(), reason) == reasons.end()) reasons.push_back(reason);
    }
    decision.breaks_constraint = !reasons.empty();
    decision.reasons.insert(decision.reasons.end(), reasons.begin(), reasons.end());
  }

  static std::vector<std::string> unmet(const QConfig& qconfig, const DTypeConfig& config) {
    std::vector<std::string> reasons;
    auto hold = [&](const char* what, const ObserverSpec& spec, const std::optional<DTypeConstraint>& constraint) {
      if (!constraint) return;
      for (const std::string& reason : check_constraints(spec, *constraint)) reasons.push_back(std::string(what) + ": " + reason);
    };
    hold("input", qconfig.activation, config.input);
    hold("weight", qconfig.weight, config.weight);
    return reasons;
  }

  void take(NodeDecision& decision, const SeenThrough& seen, size_t root_input) {
    const Node& root = *decision.root;
    auto refuse = [&](std::string reason) { decision.reasons.push_back(std::move(reason)); };
    const auto input = root_input < seen.call_input.size() ? seen.call_input[root_input] : std::nullopt;
    const Value* value = input ? decision.call->in(*input) : nullptr;
    const Tensor* weight = value ? value->constant() : nullptr;
    if (!weight)
      return refuse(value && value->producer().is("DequantizeLinear") ? "its weight is quantized already" : "its weight is not a constant");
    if (weight->dtype() != DType::float32) return refuse("its weight " + value->name() + " is not float32");
    if (weight->rank() == 0) return refuse("its weight is one number");
    const LayerWeight axes = axes_of(root, root_input, weight->rank());
    if (mode_ == Mode::dynamic && is_linear(root)) return take_linear(decision, *input, axes, *weight);
    if (mode_ == Mode::weight_only && weight->size() < kWorthStoring)
      return refuse("its weight has " + std::to_string(weight->size()) + " elements, too few to save anything");
    if (decision.qconfig)
      plan_.tables.push_back({decision.call, *input, axes.channel_axis, decision.qconfig->weight, decision.rule, axes.group_axis});
  }

  static void take_linear(NodeDecision& decision, size_t input, const LayerWeight& axes, const Tensor& weight) {
    const std::string reason = not_integer(*decision.root, weight);
    if (!reason.empty()) return decision.reasons.push_back(reason);
    decision.role = QuantTraits::Kind::compute;
    decision.weight = WeightInput{input, axes.channel_axis};
  }

  Model& model_;
  const Mode mode_;
  const QConfigMapping& qconfig_;
  const BackendConfig& backend_;
  const DecideOptions& options_;
  PatternTable table_;
  QuantPlan plan_;
};

bool needs_blocks(const ObserverSpec& spec) { return spec.group_size > 0 || spec.dtype == DType::int4 || spec.dtype == DType::uint4; }

}  // namespace

QuantPlan decide_weights(Model& model, Mode mode, const QConfigMapping& qconfig, const BackendConfig& backend,
                         const DecideOptions& options) {
  return WeightDecider(model, mode, qconfig, backend, options).run();
}

QuantPlan decide_in_mode(Model& model, Mode mode, const QConfigMapping& qconfig, const BackendConfig& backend,
                         const DecideOptions& options) {
  if (mode == Mode::static_range) return decide(model, qconfig, backend, options);
  return decide_weights(model, mode, qconfig, backend, options);
}

int64_t opset_for(const QuantPlan& plan) {
  if (plan.mode != Mode::weight_only) return 13;
  return std::any_of(plan.tables.begin(), plan.tables.end(), [](const StoredTable& table) { return needs_blocks(table.spec); }) ? 21 : 13;
}

bool is_layer_left_float(const NodeDecision& decision, Mode mode) {
  const Node& root = *decision.root;
  if (decision.quantized || (mode == Mode::dynamic && is_embedding(root))) return false;
  if (root.is("Conv") || root.is("ConvTranspose")) return true;
  const std::vector<size_t> inputs = weight_inputs(root);
  return std::any_of(inputs.begin(), inputs.end(), [&](size_t input) {
    const Value* value = &root == decision.call ? decision.call->in(input) : nullptr;
    return &root != decision.call || (value && value->constant() && value->constant()->dtype() == DType::float32);
  });
}

}  // namespace qtool
