#include "quantize/choose_qparams.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "observe/range.h"
#include "quantize/useful_input.h"

namespace qtool {
namespace {

using Kind = TensorDecision::Kind;

RangeOptions options_of(const ObserverSpec& spec) {
  return {spec.codes, is_symmetric(spec.qscheme), spec.bins, spec.percentile, spec.averaging_constant};
}

/// True for the output of Relu, or of Clip from 0 on, alone or last in a fused group.
bool behind_relu(const QuantPlan& plan, const Value& value) {
  const NodeDecision* maker = plan.decision_of(value.producer());
  if (!maker || !maker->root) return false;
  const bool group = maker->root != maker->call;
  const Value* made = group ? maker->root->graph().output().in(0) : &value;
  if (!made) return false;
  const Node& last = made->producer();
  if (last.is("Relu")) return true;
  const Tensor* lo = last.is("Clip") && last.in(1) ? last.in(1)->constant() : nullptr;
  return lo && lo->size() == 1 && lo->number_at(0) == 0;
}

/// Parameters of every group of activations.
class GroupParams {
 public:
  GroupParams(const QuantPlan& plan, const Stats& stats, Placement::ReluZeroPoint relu_zp, QParams& result)
      : plan_(plan), stats_(stats), relu_zp_(relu_zp), result_(result) {}

  void run() {
    for (const Value* value : plan_.order) collect(*value);
    for (const auto& [group, member] : first_) params_[group] = choose(group);
    for (const Value* value : plan_.order)
      if (const auto& params = params_.at(plan_.tensors.at(value).group)) result_.tensors[value] = *params;
  }

 private:
  static Range within(Range range, Range useful) {
    return {std::clamp(range.lo, useful.lo, useful.hi), std::clamp(range.hi, useful.lo, useful.hi)};
  }

  void collect(const Value& value) {
    const TensorDecision& decision = plan_.tensors.at(&value);
    const Range own = useful_input(plan_, value);
    auto [useful, fresh] = useful_.emplace(decision.group, own);
    if (!fresh) useful->second = {std::min(useful->second.lo, own.lo), std::max(useful->second.hi, own.hi)};
    const auto first = first_.emplace(decision.group, &value).first;
    if (decision.kind != Kind::shared && plan_.tensors.at(first->second).kind == Kind::shared) first->second = &value;
    if (decision.kind != Kind::observed) return;
    const auto found = stats_.tensors.find(value.path());
    if (found == stats_.tensors.end())
      result_.missing.emplace_back(value.path(), "was not observed in calibration");
    else if (found->second.empty())
      result_.missing.emplace_back(value.path(), "saw no value in calibration");
    else
      seen_[decision.group].merge(found->second);
    if (!behind_relu(plan_, value)) signed_.insert(decision.group);
  }

  std::optional<QuantParams> choose(size_t group) const {
    const TensorDecision& decision = plan_.tensors.at(first_.at(group));
    if (decision.fixed) return decision.fixed;
    const ObserverSpec& spec = decision.spec;
    const auto seen = seen_.find(group);
    if (seen == seen_.end()) return std::nullopt;
    RangeOptions options = options_of(spec);
    options.symmetric &= !starts_at_lowest_code(group);
    const auto range = choose_range(spec.observer, seen->second, options);
    if (!range) return std::nullopt;
    return params_of_range(within(*range, useful_.at(group)), spec.dtype, spec.codes, options.symmetric, spec.eps, spec.power_of_two);
  }

  /// Where all that feeds a group comes out of Relu and the backend drops Relu there alone, a symmetric scheme starts at its lowest code.
  bool starts_at_lowest_code(size_t group) const { return relu_zp_ == Placement::ReluZeroPoint::qmin && !signed_.count(group); }

  const QuantPlan& plan_;
  const Stats& stats_;
  const Placement::ReluZeroPoint relu_zp_;
  QParams& result_;
  std::set<size_t> signed_;  ///< groups fed by something else than Relu
  std::map<size_t, const Value*> first_;
  std::map<size_t, TensorStatistics> seen_;
  std::map<size_t, Range> useful_;
  std::map<size_t, std::optional<QuantParams>> params_;
};

/// A bias above 2^31 steps of scale_x * scale_w cannot be stored: its channel takes a larger weight scale (QDQ 4).
void make_room_for_bias(QuantParams& weight, float input_scale, const Tensor& bias) {
  constexpr double kMost = 2147483520.0;  // largest float below 2^31
  const std::vector<float> values = bias.to_floats();
  for (size_t c = 0; c < values.size(); ++c) {
    float& scale = weight.scales[weight.per_channel() ? std::min(c, weight.scales.size() - 1) : 0];
    const double needed = std::fabs(static_cast<double>(values[c])) / (static_cast<double>(input_scale) * kMost);
    if (needed > scale) scale = std::nextafter(static_cast<float>(needed), INFINITY);
  }
}

/// A table whose codes are moved as they are has the parameters of what comes out; other constants have their own.
ConstantParams constant_params(const NodeDecision& decision, size_t input, const QParams& result) {
  const ObserverSpec& spec = decision.qconfig->activation;
  if (decision.role == QuantTraits::Kind::pass_through) return {result.tensors.at(decision.call->out(0)), spec.codes};
  return operand_params(*decision.call->in(input)->constant(), spec);
}

void choose_constants(const NodeDecision& decision, const Placement& placement, QParams& result) {
  auto& list = result.constants[decision.call];
  for (const size_t input : decision.constants) list.emplace_back(input, constant_params(decision, input, result));
  if (!decision.weight) return;
  ConstantParams weight =
      weight_params(*decision.call->in(decision.weight->input)->constant(), decision.qconfig->weight, decision.weight->axis, placement);
  const auto x = result.tensors.find(decision.call->in(decision.data.front()));
  if (decision.bias && x != result.tensors.end())
    make_room_for_bias(weight.params, x->second.scale(), *decision.call->in(*decision.bias)->constant());
  list.emplace_back(decision.weight->input, std::move(weight));
}

void choose_table(const StoredTable& table, const Placement& placement, QParams& result) {
  const Tensor& constant = *table.call->in(table.input)->constant();
  result.constants[table.call].emplace_back(
      table.input, table.axis < 0 ? operand_params(constant, table.spec) : weight_params(constant, table.spec, table.axis, placement));
}

}  // namespace

const ConstantParams* QParams::constant_of(const Node& call, size_t input) const {
  const auto found = constants.find(&call);
  if (found == constants.end()) return nullptr;
  for (const auto& [index, params] : found->second)
    if (index == input) return &params;
  return nullptr;
}

QParams choose_qparams(const QuantPlan& plan, const Stats& stats, const Placement& placement) {
  QParams result;
  GroupParams(plan, stats, placement.relu_zp, result).run();
  if (!result.missing.empty()) return result;
  for (const NodeDecision& decision : plan.nodes)
    if (decision.quantized) choose_constants(decision, placement, result);
  for (const StoredTable& table : plan.tables) choose_table(table, placement, result);
  return result;
}

}  // namespace qtool
