#include <algorithm>
#include <unordered_map>

#include "exec/plan.h"
#include "exec/plan/executor.h"
#include "exec/plan/plan_impl.h"
#include "ops/helpers/rnn.h"

namespace qtool {
namespace {

bool is_dynamic_product(std::string_view op) { return op == "MatMulIntegerToFloat" || op == "MatMulInteger"; }

bool computes_in_int8(const PlanStep& step) {
  if (step.lowered && is_dynamic_product(step.cluster.root->op)) return true;
  if (!step.lowered || step.cluster.inputs.empty() || !step.cluster.inputs[0].quantized()) return false;
  return bit_width(step.cluster.inputs[0].params->dtype) <= 8;
}

/// A recurrence whose products are of codes, quantized on the way; the kernel says so.
bool multiplies_codes(const PlanStep& step, const std::string& kernel) {
  return step.lowered && step.cluster.root->attribute(kDynamicAttribute) && kernel.find("_gemm") != std::string::npos;
}

}  // namespace

struct Runner::Impl {
  explicit Impl(Plan::Impl& with) : plan(with) {
    if (plan.graph) executor = std::make_unique<Executor>(plan.model, plan.index, plan.threads);
  }

  /// One tensor a placeholder, those with defaults undefined.
  std::vector<Tensor> placed(std::span<const Tensor> inputs) const {
    if (inputs.size() > plan.inputs.size())
      throw invalid_file(std::to_string(inputs.size()) + " inputs given, the model has " + std::to_string(plan.inputs.size()));
    std::vector<Tensor> all(plan.placeholder_count);
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i].defined()) check_input(*plan.inputs[i], inputs[i]);
      all[plan.positions[i]] = inputs[i];
    }
    return all;
  }

  std::vector<Tensor> interpret(std::span<const Tensor> inputs) {
    InterpreterHooks hooks;
    hooks.observe = observe;
    node_us.clear();
    if (profiling) hooks.timed = [this](const Node& node, double us) { node_us[&node] += us; };
    return plan.interpreter->run(inputs, hooks);
  }

  std::vector<StepProfile> interpreter_profile() const {
    std::vector<StepProfile> rows;
    for (const Node* node : plan.nodes) {
      const auto found = node_us.find(node);
      rows.push_back({node->path(), node->op, "eval", "float32", found == node_us.end() ? 0 : found->second, 0, 0, node, {}, {}});
    }
    return rows;
  }

  std::vector<StepProfile> plan_profile() const {
    std::vector<StepProfile> rows;
    for (size_t i = 0; i < plan.index.rows.size(); ++i) {
      const ProfileRow& row = plan.index.rows[i];
      const StepCost& cost = executor->costs[i];
      if (cost.runs == 0) continue;
      if (cost.reorder_us > 0) rows.push_back({row.name, "reorder", "transpose", "float32", cost.reorder_us, 0, 0, nullptr, {}, {}});
      rows.push_back(profile_of(*row.step, row, cost));
      if (row.step->kind == PlanStep::Kind::control) rows.back().us = std::max(0.0, cost.us - us_of_bodies(*row.step));
    }
    return rows;
  }

  /// Time of a control flow step that the rows of its bodies have.
  double us_of_bodies(const PlanStep& step) const {
    double us = 0;
    for (const auto& body : step.bodies)
      for (const auto& inner : body->steps) us += executor->costs[inner->row].us + executor->costs[inner->row].reorder_us;
    return us;
  }

  static StepProfile profile_of(const PlanStep& step, const ProfileRow& row, const StepCost& cost) {
    StepProfile profile{row.name, row.op, "control flow", "float32", cost.us, cost.macs, cost.bytes, nullptr, {}, {}};
    if (step.kind == PlanStep::Kind::observe) profile.kernel = "observer";
    if (step.kind == PlanStep::Kind::run) profile.kernel = cost.fell_back.empty() ? step.step->kernel() : "eval";
    if ((computes_in_int8(step) || multiplies_codes(step, profile.kernel)) && cost.fell_back.empty()) profile.dtype = "int8";
    profile.root = step.cluster.root, profile.shapes = cost.shapes;
    profile.why_eval = cost.fell_back.empty() ? step.declined : cost.fell_back;
    return profile;
  }

  Plan::Impl& plan;
  std::unique_ptr<Executor> executor;
  ObserveFn observe;
  bool profiling = false;
  std::unordered_map<const Node*, double> node_us;
};

Runner::Runner(Plan& plan) : impl_(std::make_unique<Impl>(plan.impl())) {}
Runner::~Runner() = default;

void Runner::set_observer(ObserveFn observe) {
  if (impl_->executor) impl_->executor->observe = observe;
  impl_->observe = std::move(observe);
}

std::vector<Tensor> Runner::run(std::span<const Tensor> inputs) {
  const std::vector<Tensor> placed = impl_->placed(inputs);
  return impl_->executor ? impl_->executor->run(*impl_->plan.graph, placed) : impl_->interpret(placed);
}

void Runner::enable_profile() {
  impl_->profiling = true;
  if (impl_->executor) impl_->executor->profiling = true;
}

std::vector<StepProfile> Runner::profile() const { return impl_->executor ? impl_->plan_profile() : impl_->interpreter_profile(); }

bool is_product(std::string_view op) {
  return op == "Conv" || op == "ConvTranspose" || op == "Gemm" || op == "MatMul" || is_dynamic_product(op);
}

double int8_mac_share(const std::vector<StepProfile>& profile) {
  double all = 0, int8 = 0;
  for (const StepProfile& step : profile) {
    if (!is_product(step.op)) continue;
    all += static_cast<double>(step.macs);
    if (step.dtype == "int8") int8 += static_cast<double>(step.macs);
  }
  return all > 0 ? int8 / all : 0;
}

}  // namespace qtool
