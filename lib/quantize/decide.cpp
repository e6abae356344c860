#include "quantize/decide.h"

#include <algorithm>
#include <map>

#include "quantize/constant_params.h"
#include "quantize/groups.h"
#include "quantize/spread.h"
#include "quantize/tables.h"

namespace qtool {
namespace {

using Kind = TensorDecision::Kind;

void refuse_unquantizable(std::vector<NodeDecision>& nodes, const DecideOptions& options) {
  if (options.unquantizable.empty()) return;
  auto refuse = [&](NodeDecision& decision, const Value* value) {
    const auto found = value ? options.unquantizable.find(value->path()) : options.unquantizable.end();
    if (found != options.unquantizable.end()) decision.reasons.push_back("tensor " + found->first + " " + found->second);
  };
  for (NodeDecision& decision : nodes) {
    for (const size_t input : decision.data) refuse(decision, decision.call->in(input));
    if (decision.weight) refuse(decision, decision.call->in(decision.weight->input));
    if (!needs_coded_output(decision)) continue;
    for (const auto& value : decision.call->outputs()) refuse(decision, value.get());
  }
}

/// Fills QuantPlan::tensors from the groups.
class TensorDecider {
 public:
  TensorDecider(QuantPlan& plan, const QConfigMapping& qconfig, const TensorGroups& groups, const std::unordered_set<const Value*>& coded,
                const Placement& placement)
      : plan_(plan), qconfig_(qconfig), groups_(groups), coded_(coded), placement_(placement) {
    for (const NodeDecision& decision : plan_.nodes) {
      if (!decision.quantized) continue;
      by_call_[decision.call] = &decision;
      for (const size_t input : decision.data) first_taker_.emplace(decision.call->in(input), &decision);
    }
  }

  void run(Graph& graph) {
    visit(graph);
    for (const auto& [group, members] : members_) settle(members);
  }

 private:
  void visit(Graph& graph) {
    for (Node& node : graph.nodes()) {
      for (const auto& value : node.outputs())
        if (value && coded_.count(value.get())) add(*value);
      for (const Node::Body& body : node.bodies()) visit(*body.graph);
    }
  }

  void add(Value& value) {
    TensorDecision decision;
    const Value* root = groups_.root(&value);
    decision.group = group_ids_.emplace(root, group_ids_.size()).first->second;
    const NodeDecision* owner = quantized_producer(value);
    if (!owner) owner = first_taker_.at(&value);
    const TensorSpec own = tensor_spec(qconfig_, value, *owner);
    decision.spec = own.spec ? *own.spec : owner->qconfig->activation;
    decision.rule = own.rule;
    decision.fixed = fixed_params(value, decision.spec);
    plan_.tensors.emplace(&value, std::move(decision));
    plan_.order.push_back(&value);
    members_[plan_.tensors.at(&value).group].push_back(&value);
  }

  const NodeDecision* quantized_producer(const Value& value) const {
    const auto found = by_call_.find(&value.producer());
    return found == by_call_.end() ? nullptr : found->second;
  }

  /// Its codes are those of a constant: values that calibration did not meet count too.
  static bool reads_table(const NodeDecision& maker) {
    return maker.quantized && maker.role == QuantTraits::Kind::pass_through && maker.data.empty();
  }

  /// Softmax, Sigmoid, ...: scale = span / number of codes, zero point where 0 lies (QDQ 4).
  std::optional<QuantParams> fixed_params(const Value& value, const ObserverSpec& spec) const {
    if (spec.scale && spec.zero_point) return QuantParams{spec.dtype, -1, {*spec.scale}, {*spec.zero_point}};
    const NodeDecision* maker = plan_.decision_of(value.producer());
    if (maker && reads_table(*maker)) return operand_params(*maker->call->in(maker->constants[0])->constant(), spec).params;
    const auto range = placement_.fixed_range.find(maker ? maker->root->op : value.producer().op);
    if (range == placement_.fixed_range.end()) return std::nullopt;
    const auto [lo, hi] = range->second;
    const float scale = (hi - lo) / static_cast<float>(spec.codes.hi - spec.codes.lo + 1);
    if (is_symmetric(spec.qscheme)) return symmetric_params(lo, hi, spec.dtype, spec.codes, spec.eps);
    return QuantParams{spec.dtype, -1, {scale}, {static_cast<int32_t>(spec.codes.lo - std::lrint(lo / scale))}};
  }

  /// A member whose values another member of its group produces needs no observer.
  bool derived(const Value& value) const {
    const NodeDecision* maker = quantized_producer(value);
    if (!maker || reads_table(*maker)) return false;
    const size_t group = plan_.tensors.at(&value).group;
    return std::all_of(maker->data.begin(), maker->data.end(), [&](size_t input) {
      const auto found = plan_.tensors.find(maker->call->in(input));
      return found != plan_.tensors.end() && found->second.group == group;
    });
  }

  /// A group is fixed when all tensors that feed it are, with the same parameters; otherwise those are observed.
  void settle(const std::vector<const Value*>& members) {
    std::vector<TensorDecision*> sources;
    for (const Value* member : members) {
      TensorDecision& decision = plan_.tensors.at(member);
      decision.kind = derived(*member) ? Kind::shared : Kind::observed;
      if (decision.kind == Kind::observed) sources.push_back(&decision);
    }
    const bool fixed = std::all_of(sources.begin(), sources.end(),
                                   [&](const TensorDecision* source) { return source->fixed && source->fixed == sources[0]->fixed; });
    for (const Value* member : members)
      if (TensorDecision& decision = plan_.tensors.at(member); !fixed || decision.kind == Kind::shared) decision.fixed.reset();
    if (fixed)
      for (TensorDecision* source : sources) source->kind = Kind::fixed;
  }

  QuantPlan& plan_;
  const QConfigMapping& qconfig_;
  const TensorGroups& groups_;
  const std::unordered_set<const Value*>& coded_;
  const Placement& placement_;
  std::unordered_map<const Node*, const NodeDecision*> by_call_;
  std::unordered_map<const Value*, const NodeDecision*> first_taker_;
  std::unordered_map<const Value*, size_t> group_ids_;
  std::map<size_t, std::vector<const Value*>> members_;
};

}  // namespace

QuantPlan decide(Model& model, const QConfigMapping& qconfig, const BackendConfig& backend, const DecideOptions& options) {
  QuantPlan plan;
  plan.nodes = find_candidates(model, qconfig, backend, options);
  refuse_unquantizable(plan.nodes, options);
  const std::unordered_set<const Value*> coded = spread_codes(plan.nodes);
  const TensorGroups groups = group_tensors(plan.nodes, coded, backend.placement);
  TensorDecider(plan, qconfig, groups, coded, backend.placement).run(*model.graph);
  plan.tables = find_tables(plan, backend.placement);
  return plan;
}

const NodeDecision* QuantPlan::decision_of(const Node& call) const {
  if (index_.size() != nodes.size()) {
    index_.clear();
    for (size_t i = 0; i < nodes.size(); ++i) index_[nodes[i].call] = i;
  }
  const auto found = index_.find(&call);
  return found == index_.end() ? nullptr : &nodes[found->second];
}

bool QuantPlan::quantizes_anything() const {
  return std::any_of(nodes.begin(), nodes.end(), [](const NodeDecision& decision) { return decision.quantized; });
}

}  // namespace qtool
