#include "quantize/candidates.h"

#include <algorithm>

#include "config/modules.h"
#include "pass/fuse.h"
#include "quantize/module_types.h"
#include "quantize/spread.h"
#include "quantize/wrap_regions.h"

namespace qtool {
namespace {

const Node* root_in(const Model& model, const Graph& body, const BackendPattern& row) {
  const Node* compute = nullptr;
  for (const Node& node : body.nodes()) {
    if (!node.is_call()) continue;
    if (node.op == row.root_module) return &node;
    const OpDef* def = find_op(model, node);
    if (!compute && def && def->quant.kind == QuantTraits::Kind::compute) compute = &node;
  }
  return compute;
}

bool may_be_float(const Value* value) { return value && (value->type.dtype == DType::float32 || value->type.dtype == DType::undefined); }

bool is_data_input(const QuantTraits& traits, size_t i) { return i < 32 ? (traits.data_inputs >> i & 1) != 0 : traits.data_inputs == ~0u; }

/// Sorts the call's inputs into data, constants, weight and bias.
class InputRoles {
 public:
  InputRoles(const SeenThrough& seen, const QuantTraits& traits, Placement::Constants constants, NodeDecision& decision)
      : seen_(seen), traits_(traits), constants_(constants), decision_(decision) {}

  void assign() {
    for (size_t i = 0; i < seen_.call_input.size(); ++i) one(i);
    const bool table = decision_.role == QuantTraits::Kind::pass_through && !decision_.constants.empty();
    if (decision_.data.empty() && !table) refuse("no input of it is a float activation");
  }

 private:
  void refuse(std::string reason) { decision_.reasons.push_back(std::move(reason)); }

  void one(size_t i) {
    const Value* inner = seen_.root->in(i);
    if (!inner) return;
    const bool weight = static_cast<int>(i) == traits_.weight, bias = static_cast<int>(i) == traits_.bias;
    if (!weight && !bias && !is_data_input(traits_, i)) return;
    const auto call_input = seen_.call_input[i];
    if (!call_input) return refuse("its input " + std::to_string(i) + " is computed inside the fused group");
    const Value* value = decision_.call->in(*call_input);
    if (!value) return;
    if (weight && value->constant()) return take_weight(*call_input, *value);
    if (bias) return take_bias(*call_input, *value);
    take_data(*call_input, *value);
  }

  void take_weight(size_t input, const Value& value) {
    if (value.constant()->dtype() != DType::float32) return refuse("its weight " + value.name() + " is not float32");
    const int axis = traits_.weight_axis ? traits_.weight_axis(*seen_.root) : -1;
    decision_.weight = WeightInput{input, axis < 0 ? axis + static_cast<int>(value.constant()->rank()) : axis};
  }

  void take_bias(size_t input, const Value& value) {
    if (!value.constant()) return refuse("its bias " + value.name() + " is not a constant");
    decision_.bias = input;
  }

  void take_data(size_t input, const Value& value) {
    if (!may_be_float(&value))
      return refuse("its input " + value.name() + " is " + std::string(name_of(value.type.dtype)) + ", not float32");
    if (value.producer().is("DequantizeLinear")) return refuse("its input " + value.name() + " is quantized already");
    if (!value.constant())
      decision_.data.push_back(input);
    else if (!stays_float())
      decision_.constants.push_back(input);
  }

  /// Constant operands, where the backend wants them as they are; those of products and Concat have to be codes.
  bool stays_float() const {
    return constants_ == Placement::Constants::float32 &&
           (decision_.role == QuantTraits::Kind::arithmetic || decision_.role == QuantTraits::Kind::pass_through);
  }

  const SeenThrough& seen_;
  const QuantTraits& traits_;
  const Placement::Constants constants_;
  NodeDecision& decision_;
};

/// Operators whose weight must be a constant to be computed in int8 (all but MatMul, whose second operand may be an activation).
bool needs_constant_weight(const Node& root) { return !root.is("MatMul") && !root.is("Gemm"); }

class CandidateFinder {
 public:
  CandidateFinder(Model& model, const QConfigMapping& qconfig, const BackendConfig& backend, const DecideOptions& options)
      : model_(model), qconfig_(qconfig), backend_(backend), options_(options), table_(backend) {}

  std::vector<NodeDecision> find() {
    visit(*model_.graph);
    return std::move(found_);
  }

 private:
  void visit(Graph& graph) {
    for (Node& node : graph.nodes()) {
      for (const Node::Body& body : node.bodies()) visit(*body.graph);
      if (node.is_call() && has_float_output(node)) found_.push_back(consider(node));
    }
  }

  static bool has_float_output(const Node& node) {
    return std::any_of(node.outputs().begin(), node.outputs().end(), [](const auto& value) { return may_be_float(value.get()); });
  }

  NodeDecision consider(Node& call) {
    NodeDecision decision;
    decision.call = &call;
    decision.root = &call;
    if (!options_.all_float.empty()) return refused(decision, options_.all_float);
    if (is_wrapped_call(call)) return refused(decision, "it is wrapped");
    const BackendPattern* row = table_.row_of(model_, call);
    if (!row) note_rules(qconfig_, call);
    if (!row) return refused(decision, "backend \"" + backend_.name + "\" has no pattern for " + described(call));
    decision.pattern = row->pattern;
    roles(decision, *row);
    rule(decision, *row);
    one_rule_for_all(decision);
    if (decision.weight) apply_weight_rule(qconfig_, decision.weight->input, decision);
    if (row->dtype_configs.empty()) return refused(decision, "backend \"" + backend_.name + "\" computes " + row->pattern + " in float");
    constraints(decision, *row);
    cost(decision);
    epilogue(decision);
    only_inputs(decision);
    decision.eligible = decision.reasons.empty();
    return decision;
  }

  static NodeDecision refused(NodeDecision decision, std::string reason) {
    decision.reasons.push_back(std::move(reason));
    return decision;
  }

  static std::string described(const Node& call) {
    const std::string group = fused_module_of(call);
    return group.empty() ? call.target() : group;
  }

  void roles(NodeDecision& decision, const BackendPattern& row) {
    const SeenThrough seen = see_through(model_, *decision.call, row);
    const OpDef* def = seen.root ? find_op(model_, *seen.root) : nullptr;
    if (!def) return whole_group(decision);
    decision.root = seen.root;
    decision.role = def->quant.kind;
    if (shares_parameters(row, *seen.root) && decision.role != QuantTraits::Kind::same_scale)
      decision.role = QuantTraits::Kind::pass_through;
    InputRoles(seen, def->quant, backend_.placement.constant_operands, decision).assign();
    count_macs(seen, *def, decision);
    if (decision.role != QuantTraits::Kind::compute) return;
    if (!decision.weight && needs_constant_weight(*seen.root)) decision.reasons.push_back("its weight is not a constant");
    if (!decision.weight && decision.bias) decision.reasons.push_back("it has a bias but no constant weight");
  }

  static bool lists(const std::vector<std::string>& names, const std::string& op) {
    return std::find(names.begin(), names.end(), op) != names.end();
  }

  bool shares_parameters(const BackendPattern& row, const Node& root) const {
    return row.observation == ObservationType::output_share_observer_with_input || lists(backend_.placement.pass_through, root.op);
  }

  /// Refuses products of fewer multiply-adds than the backend asks for; unknown dimensions count as 1, unknown ranks are let through.
  void count_macs(const SeenThrough& seen, const OpDef& def, NodeDecision& decision) const {
    if (backend_.placement.min_macs <= 0 || !def.macs) return;
    std::vector<Shape> in;
    for (size_t i = 0; i < seen.call_input.size(); ++i) {
      const Value* value = seen.call_input[i] ? decision.call->in(*seen.call_input[i]) : nullptr;
      if (value && !value->type.dims) return;
      in.push_back(value ? known_or_one(*value) : Shape{});
    }
    if (!decision.call->out(0) || !decision.call->out(0)->type.dims) return;
    const Shape out = known_or_one(*decision.call->out(0));
    const int64_t macs = def.macs(*seen.root, in, {&out, 1});
    if (macs < backend_.placement.min_macs)
      decision.reasons.push_back("int8 costs more than float: " + std::to_string(macs) + " multiply-adds, the backend asks for " +
                                 std::to_string(backend_.placement.min_macs));
  }

  static Shape known_or_one(const Value& value) {
    Shape shape;
    for (const Dim& dim : *value.type.dims) shape.push_back(dim.known() ? dim.value : 1);
    return shape;
  }

  /// A group of a product whose later operators the backend does not allow in front of the Q. An Add behind MatMul is its bias.
  void epilogue(NodeDecision& decision) const {
    const auto& allowed = backend_.placement.conv_epilogues;
    if (!allowed || decision.role != QuantTraits::Kind::compute || decision.call == decision.root) return;
    bool behind = false;
    for (const Node& node : decision.root->graph().nodes()) {
      if (behind && node.is_call() && !lists(*allowed, node.op) && !(decision.root->is("MatMul") && node.is("Add")))
        decision.reasons.push_back("the backend has no " + node.op + " between " + decision.root->op + " and its Q (conv_epilogues)");
      behind |= &node == decision.root;
    }
  }

  /// Which outputs stay float: all where the backend wants codes on inputs alone, and those of a Conv that is added to something else
  /// where it wants codes on that alone.
  void only_inputs(NodeDecision& decision) {
    using Kind = QuantTraits::Kind;
    const bool moves = decision.role == Kind::pass_through || decision.role == Kind::same_scale;
    decision.float_output = backend_.placement.placement == Placement::Tensors::inputs_only && !moves && decision.role != Kind::arithmetic;
    if (backend_.placement.add_inputs == Placement::AddInputs::skip_only && decision.root->is("Add")) skip_only(decision);
  }

  void skip_only(NodeDecision& decision) {
    if (decision.data.size() != 2 || !decision.reasons.empty()) return;
    for (size_t i = 0; i < 2; ++i) {
      const Value& value = *decision.call->in(decision.data[i]);
      const auto maker = std::find_if(found_.begin(), found_.end(), [&](const auto& each) { return each.call == &value.producer(); });
      if (maker == found_.end() || !maker->eligible || value.uses().size() != 1) continue;
      if (!maker->root->is("Conv") && !maker->root->is("ConvTranspose")) continue;
      decision.data.erase(decision.data.begin() + static_cast<std::ptrdiff_t>(i));
      decision.float_output = backend_.placement.placement == Placement::Tensors::inputs_only;
      maker->float_output = true;
      return;
    }
  }

  /// A group without an operator row of its own (exploded HardSwish, LayerNorm): one activation in, one out.
  static void whole_group(NodeDecision& decision) {
    decision.role = QuantTraits::Kind::lut;
    for (size_t i = 0; i < decision.call->input_count(); ++i) {
      const Value* value = decision.call->in(i);
      if (value && !value->constant() && may_be_float(value)) decision.data.push_back(i);
    }
    if (decision.data.size() != 1) decision.reasons.push_back("it does not have exactly one activation input");
  }

  void rule(NodeDecision& decision, const BackendPattern& row) {
    const QConfigChoice choice = choose_rule(qconfig_, *decision.call, *decision.root, row);
    decision.rule = choice.rule;
    decision.qconfig = choice.qconfig;
    if (!choice.qconfig)
      decision.reasons.push_back("the qconfig leaves it float (" + choice.rule + ")");
    else if (choice.qconfig->activation.dynamic())
      decision.reasons.push_back("the qconfig quantizes its activations at run time (" + choice.rule + "): --mode dynamic");
    else if (!choice.qconfig->activation.quantizes())
      decision.reasons.push_back("the qconfig does not quantize activations (" + choice.rule + ")");
  }

  /// A member of a fused group that a rule by name gives something else than its root: nobody can have both.
  void one_rule_for_all(NodeDecision& decision) const {
    if (decision.call == decision.root) return;
    const std::string path = decision.call->path(), name = decision.call->name;
    const std::string place = path.ends_with(name) ? path.substr(0, path.size() - name.size()) : "";
    for (const Node& node : decision.root->graph().nodes()) {
      if (!node.is_call() || &node == decision.root) continue;
      const auto choice = qconfig_.choose_by_name(place + node.path());
      if (choice && !(*choice == QConfigChoice{decision.qconfig, {}}))
        decision.reasons.push_back("its group has two qconfigs: " + decision.call->path() + " by " + decision.rule + ", " + node.path() +
                                   " by " + choice->rule);
    }
  }

  void constraints(NodeDecision& decision, const BackendPattern& row) {
    if (!decision.qconfig) return;
    std::vector<std::string> reasons;
    for (const DTypeConfig& config : row.dtype_configs) {
      if (config.is_dynamic || config.weight_only()) continue;
      const std::vector<std::string> own = unmet(decision, config);
      if (own.empty()) return satisfied(decision, config);
      for (const std::string& reason : own)
        if (std::find(reasons.begin(), reasons.end(), reason) == reasons.end()) reasons.push_back(reason);
    }
    decision.breaks_constraint = !reasons.empty();
    if (reasons.empty()) reasons.push_back("the backend computes it only with dynamic quantization");
    decision.reasons.insert(decision.reasons.end(), reasons.begin(), reasons.end());
  }

  void satisfied(NodeDecision& decision, const DTypeConfig& config) const {
    const auto most = [](const std::optional<DTypeConstraint>& each) { return each ? each->scale_max_upper_bound : std::nullopt; };
    decision.most_scales = {most(config.input), most(config.output), most(config.weight)};
    tensors(decision, config);
  }

  /// Tensors with rules of their own among those the call reads and writes as codes.
  void tensors(NodeDecision& decision, const DTypeConfig& config) const {
    for (const size_t input : decision.data) tensor("input", *decision.call->in(input), config.input, decision);
    if (!needs_coded_output(decision)) return;
    for (const auto& value : decision.call->outputs())
      if (value) tensor("output", *value, config.output, decision);
  }

  void tensor(const char* what, const Value& value, const std::optional<DTypeConstraint>& constraint, NodeDecision& decision) const {
    const TensorSpec own = tensor_spec(qconfig_, value, decision);
    if (!own.spec) return decision.reasons.push_back("the qconfig leaves tensor " + value.path() + " float (" + own.rule + ")");
    if (own.spec == &decision.qconfig->activation || !constraint) return;
    for (const std::string& reason : check_constraints(*own.spec, *constraint)) {
      decision.reasons.push_back(std::string(what) + " " + value.path() + ": " + reason);
      decision.breaks_constraint = true;
    }
  }

  static std::vector<std::string> unmet(const NodeDecision& decision, const DTypeConfig& config) {
    std::vector<std::string> reasons;
    auto hold = [&](const char* what, const ObserverSpec& spec, const std::optional<DTypeConstraint>& constraint) {
      if (!constraint) return;
      for (const std::string& reason : check_constraints(spec, *constraint)) reasons.push_back(std::string(what) + ": " + reason);
    };
    hold("input", decision.qconfig->activation, config.input);
    hold("output", decision.qconfig->activation, config.output);
    if (decision.weight) hold("weight", decision.qconfig->weight, config.weight);
    return reasons;
  }

  void cost(NodeDecision& decision) {
    const std::vector<std::string>& never = backend_.placement.never_quantize;
    if (std::find(never.begin(), never.end(), decision.root->op) != never.end())
      decision.reasons.push_back("backend \"" + backend_.name + "\" never quantizes " + decision.root->op);
    if (decision.role != QuantTraits::Kind::compute || !decision.weight) return;
    const Tensor& weight = *decision.call->in(decision.weight->input)->constant();
    const int64_t channels = decision.weight->axis >= 0 ? weight.shape()[static_cast<size_t>(decision.weight->axis)] : 0;
    if (backend_.placement.min_channels > 0 && channels > 0 && channels < backend_.placement.min_channels)
      decision.reasons.push_back("int8 costs more than float: " + std::to_string(channels) + " output channels, the backend asks for " +
                                 std::to_string(backend_.placement.min_channels));
  }

  Model& model_;
  const QConfigMapping& qconfig_;
  const BackendConfig& backend_;
  const DecideOptions& options_;
  PatternTable table_;
  std::vector<NodeDecision> found_;
};

}  // namespace

SeenThrough see_through(const Model& model, const Node& call, const BackendPattern& row) {
  SeenThrough seen;
  if (call.kind() != NodeKind::call_module) {
    seen.root = &call;
    for (size_t i = 0; i < call.input_count(); ++i) seen.call_input.emplace_back(i);
    return seen;
  }
  const Graph& body = *model.function_of(call).body;
  seen.root = root_in(model, body, row);
  if (!seen.root) return seen;
  const std::vector<Node*> placeholders = body.placeholders();
  for (const Value* value : seen.root->inputs()) {
    const auto at = value ? std::find(placeholders.begin(), placeholders.end(), &value->producer()) : placeholders.end();
    seen.call_input.push_back(at == placeholders.end() ? std::nullopt : std::optional<size_t>(at - placeholders.begin()));
  }
  return seen;
}

std::optional<QConfigChoice> choose_tensor_rule(const QConfigMapping& qconfig, const Value& value, const Node* reader, size_t input) {
  std::vector<std::string> names{value.path()};
  if (reader) names.push_back(reader->path() + ":" + std::to_string(input));
  return qconfig.choose_tensor(names);
}

void apply_weight_rule(const QConfigMapping& qconfig, size_t call_input, NodeDecision& decision) {
  const Value& value = *decision.call->in(call_input);
  const auto choice = choose_tensor_rule(qconfig, value, decision.call, call_input);
  if (!choice || !decision.qconfig) return;
  if (!choice->qconfig || !choice->qconfig->weight.quantizes())
    return decision.reasons.push_back("the qconfig leaves tensor " + value.path() + " float (" + choice->rule + ")");
  auto own = std::make_shared<QConfig>(*decision.qconfig);
  own->weight = choice->qconfig->weight;
  decision.own = own;
  decision.qconfig = own.get();
}

TensorSpec tensor_spec(const QConfigMapping& qconfig, const Value& value, const NodeDecision& owner) {
  auto choice = choose_tensor_rule(qconfig, value, nullptr, 0);
  for (size_t i = 0; !choice && i < value.uses().size(); ++i)
    choice = choose_tensor_rule(qconfig, value, value.uses()[i].node, value.uses()[i].input);
  if (!choice) return {&owner.qconfig->activation, owner.rule};
  const bool quantizes = choice->qconfig && choice->qconfig->activation.quantizes();
  return {quantizes ? &choice->qconfig->activation : nullptr, choice->rule};
}

void note_rules(const QConfigMapping& qconfig, const Node& call) {
  std::vector<std::string> types = module_types(call, call);
  types.push_back(call.op);
  qconfig.choose(call.path(), types);
}

QConfigChoice choose_rule(const QConfigMapping& qconfig, const Node& call, const Node& root, const BackendPattern& row) {
  std::vector<std::string> types;
  const auto add = [&](const std::string& type) {
    if (!type.empty() && std::find(types.begin(), types.end(), type) == types.end()) types.push_back(type);
  };
  add(fused_module_of(call));
  for (const std::string& module : module_types(call, root)) add(module);
  for (const std::string& each : {row.pattern, row.root_module}) add(module_named(each) ? each : "");
  add(row.root_module);
  add(root.op);
  return qconfig.choose(call.path(), types);
}

std::string fused_module_of(const Node& call) {
  if (call.kind() != NodeKind::call_module || call.domain != kFusedDomain) return {};
  return call.op.substr(0, call.op.rfind('_'));
}

ModuleAliases module_aliases() {
  ModuleAliases aliases;
  for (const Module& module : modules()) aliases[module.name] = module.patterns;
  return aliases;
}

PatternTable::PatternTable(const BackendConfig& backend) {
  for (const BackendPattern& pattern : backend.patterns) {
    if (!pattern.replacement.empty()) continue;
    Row row{&pattern, {}};
    with_frame(pattern.where, [&] {
      for (const std::string& expression : pattern.expressions) row.expressions.push_back(Pattern::parse(expression));
    });
    rows_.push_back(std::move(row));
  }
}

const BackendPattern* PatternTable::row_of(const Model&, Node& call, const std::function<bool(const BackendPattern&)>& accepts) const {
  const std::string group = fused_module_of(call);
  for (const Row& row : rows_) {
    if (accepts && !accepts(*row.row)) continue;
    if (!group.empty()) {
      if (row.row->fused_module == group) return row.row;
      continue;
    }
    for (const Pattern& expression : row.expressions) {
      const auto found = match(expression, call);
      if (found && found->nodes.size() == 1) return row.row;
    }
  }
  return nullptr;
}

std::vector<NodeDecision> find_candidates(Model& model, const QConfigMapping& qconfig, const BackendConfig& backend,
                                          const DecideOptions& options) {
  return CandidateFinder(model, qconfig, backend, options).find();
}

}  // namespace qtool
