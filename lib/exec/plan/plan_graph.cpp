#include "exec/plan/plan_graph.h"

#include <algorithm>

#include "exec/cluster/quantized.h"
#include "exec/control_flow.h"
#include "exec/plan/eval_step.h"

namespace qtool {
namespace {

/// Steps move floats and codes of 8 bits as they were declared; a cluster whose types are unknown is not for an engine.
DType expected_type(const Operand& operand) { return operand.quantized() ? operand.params->dtype : dtype_of(*operand.value); }

class Planner {
 public:
  Planner(const Model& model, const Backend& backend, PlanIndex& index) : model_(model), backend_(backend), index_(index) {}

  std::unique_ptr<PlanGraph> build(const Graph& graph) {
    plan_ = std::make_unique<PlanGraph>();
    plan_->graph = &graph;
    plan_->number = index_.graphs.size();
    index_.graphs.push_back(plan_.get());
    for (Node* input : graph.placeholders()) {
      const Tensor given = input->weight ? input->weight->tensor : Tensor();
      plan_->inputs.push_back({slot_of(*input->out(0)), given});
    }
    for (Cluster& cluster : cluster(model_, graph)) plan_->steps.push_back(step_of(std::move(cluster)));
    for (const Value* value : graph.output().inputs()) plan_->outputs.push_back(source_of(value));
    skip_unwanted();
    find_dying();
    return std::move(plan_);
  }

 private:
  int slot_of(const Value& value) {
    const auto [at, added] = plan_->slots.emplace(&value, static_cast<int>(plan_->slots.size()));
    if (added && &value.producer().graph() != plan_->graph) plan_->captured.emplace_back(&value, at->second);
    return at->second;
  }

  Source source_of(const Value* value) {
    if (!value) return {};
    if (const Tensor* constant = value->constant()) return {-1, *constant};
    return {slot_of(*value), {}};
  }

  std::unique_ptr<PlanStep> step_of(Cluster cluster) {
    auto step = std::make_unique<PlanStep>();
    step->cluster = std::move(cluster);
    step->row = index_.rows.size();
    index_.rows.push_back({step.get(), step->cluster.name(), step->cluster.root->op});
    if (is_control_flow(*step->cluster.root))
      control(*step);
    else
      activations(*step);
    for (const Operand& output : step->cluster.outputs) step->outputs.push_back(output.value ? slot_of(*output.value) : -1);
    plan_->most_outputs = std::max(plan_->most_outputs, step->outputs.size());
    return step;
  }

  void activations(PlanStep& step) {
    for (const Operand* operand : activations_of(step.cluster)) {
      step.inputs.push_back(slot_of(*operand->value));
      step.types.push_back(expected_type(*operand));
    }
    plan_->most_inputs = std::max(plan_->most_inputs, step.inputs.size());
    if (step.cluster.kind == ClusterKind::observe)
      observe(step);
    else
      lower(step);
  }

  void observe(PlanStep& step) {
    step.kind = PlanStep::Kind::observe;
    if (step.inputs.empty()) throw unsupported("node \"" + step.cluster.name() + "\": an observer of a constant cannot be executed");
  }

  void lower(PlanStep& step) {
    LowerResult result = Declined{"the type of an input is unknown"};
    if (std::find(step.types.begin(), step.types.end(), DType::undefined) == step.types.end()) result = lowered(step.cluster);
    if (auto* lowered = std::get_if<Lowered>(&result)) {
      step.step = std::move(lowered->step);
      step.rule = lowered->layout;
      step.lowered = true;
      return;
    }
    step.declined = std::get<Declined>(result).reason;
    step.step = make_eval_step(model_, step.cluster);
    step.types.assign(step.types.size(), DType::undefined);
  }

  LowerResult lowered(const Cluster& cluster) const {
    try {
      return backend_.lower(model_, cluster);
    } catch (Error& error) {
      error.prepend("node \"" + cluster.name() + "\" (" + cluster.root->op + ")");
      throw;
    }
  }

  void control(PlanStep& step) {
    step.kind = PlanStep::Kind::control;
    const Node& node = *step.cluster.root;
    for (const Value* value : node.inputs()) step.arguments.push_back(source_of(value));
    for (const Node::Body& body : node.bodies()) step.bodies.push_back(Planner(model_, backend_, index_).build(*body.graph));
    for (const auto& body : step.bodies)
      for (const auto& [value, unused] : body->captured) slot_of(*value);
  }

  /// Slots a step reads, those its bodies capture included.
  std::vector<int> read_by(const PlanStep& step) const {
    std::vector<int> slots = step.inputs;
    for (const Source& argument : step.arguments)
      if (argument.slot >= 0) slots.push_back(argument.slot);
    for (const auto& body : step.bodies)
      for (const auto& [value, unused] : body->captured) slots.push_back(plan_->slots.at(value));
    return slots;
  }

  /// Outputs that no later step reads get no slot, and steps left without outputs do not run.
  void skip_unwanted() {
    std::vector<bool> wanted(plan_->slots.size(), false);
    for (const Source& output : plan_->outputs)
      if (output.slot >= 0) wanted[static_cast<size_t>(output.slot)] = true;
    for (auto step = plan_->steps.rbegin(); step != plan_->steps.rend(); ++step) {
      for (int& slot : (*step)->outputs)
        if (slot >= 0 && !wanted[static_cast<size_t>(slot)]) slot = -1;
      const bool unused = std::all_of((*step)->outputs.begin(), (*step)->outputs.end(), [](int slot) { return slot < 0; });
      if (unused && (*step)->kind == PlanStep::Kind::run) (*step)->kind = PlanStep::Kind::skip;
      if ((*step)->kind == PlanStep::Kind::skip) continue;
      for (const int slot : read_by(**step)) wanted[static_cast<size_t>(slot)] = true;
    }
  }

  void find_dying() {
    std::vector<PlanStep*> last(plan_->slots.size(), nullptr);
    for (const auto& step : plan_->steps)
      if (step->kind != PlanStep::Kind::skip)
        for (const int slot : read_by(*step)) last[static_cast<size_t>(slot)] = step.get();
    for (const Source& output : plan_->outputs)
      if (output.slot >= 0) last[static_cast<size_t>(output.slot)] = nullptr;
    for (size_t slot = 0; slot < last.size(); ++slot)
      if (last[slot]) last[slot]->dying.push_back(static_cast<int>(slot));
  }

  const Model& model_;
  const Backend& backend_;
  PlanIndex& index_;
  std::unique_ptr<PlanGraph> plan_;
};

}  // namespace

std::unique_ptr<PlanGraph> build_plan_graph(const Model& model, const Graph& graph, const Backend& backend, PlanIndex& index) {
  return Planner(model, backend, index).build(graph);
}

Step& fallback_of(const Model& model, const PlanStep& step) {
  std::call_once(step.fallback_made, [&] { step.fallback = make_eval_step(model, step.cluster); });
  return *step.fallback;
}

}  // namespace qtool
