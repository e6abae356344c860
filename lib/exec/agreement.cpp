#include "exec/agreement.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "exec/canonicalize.h"
#include "exec/plan/plan_graph.h"
#include "exec/plan/reorder.h"
#include "exec/reference/interpreter.h"

namespace qtool {
namespace {

constexpr double kFloatTolerance = 1e-4;
using Computed = std::unordered_map<const Value*, Tensor>;

/// One step of a cluster in steps of its output: an inner Q may be coarser.
double step_of(const Cluster& cluster, const QuantParams& out) {
  double step = 1;
  for (const PostOp& post : cluster.post_ops)
    if (post.kind == PostOp::Kind::requantize) step = std::max(step, static_cast<double>(post.params->scale() / out.scale()));
  return std::ceil(step - 1e-6);
}

double largest(const Tensor& tensor) {
  double most = 0;
  for (int64_t i = 0; i < tensor.size(); ++i)
    if (std::isfinite(tensor.number_at(i))) most = std::max(most, std::abs(tensor.number_at(i)));
  return most;
}

void compare_codes(const Tensor& found, const Tensor& expected, double step, ClusterAgreement& result) {
  for (int64_t i = 0; i < expected.size(); ++i) {
    const double off = std::abs(found.number_at(i) - expected.number_at(i));
    result.differing += off != 0;
    result.worst_steps = std::max(result.worst_steps, std::ceil(off / step));
  }
}

void compare_reals(const Tensor& found, const Tensor& expected, ClusterAgreement& result) {
  const double most = std::max(largest(expected), 1e-30);
  for (int64_t i = 0; i < expected.size(); ++i) {
    const double a = found.number_at(i), b = expected.number_at(i);
    const double off = a == b || (std::isnan(a) && std::isnan(b)) ? 0 : std::abs(a - b) / most;
    result.differing += !(off <= kFloatTolerance);
    result.worst_error = std::max(result.worst_error, std::isnan(off) ? 1e30 : off);
  }
}

void compare_output(const Cluster& cluster, const Operand& output, const Tensor& found, const Tensor& expected, ClusterAgreement& result) {
  if (found.shape() != expected.shape() || found.dtype() != expected.dtype())
    throw bug("cluster " + cluster.name() + " gives " + to_string(found.shape()) + ", the reference " + to_string(expected.shape()));
  result.elements += expected.size();
  result.quantized = output.quantized();
  if (output.quantized())
    compare_codes(found, expected, step_of(cluster, *output.params), result);
  else
    compare_reals(found, expected, result);
}

std::vector<Array> run_alone(const PlanStep& step, const Computed& computed) {
  BufferPool pool;
  StepContext context{pool, 1};
  std::vector<Array> in;
  const Layout layout = step.rule == LayoutRule::channels_last ? Layout::channels_last : Layout::plain;
  for (const Operand* operand : activations_of(step.cluster))
    in.push_back(reordered({computed.at(operand->value), Layout::plain}, layout, pool));
  std::vector<const Array*> pointers;
  for (const Array& array : in) pointers.push_back(&array);
  std::vector<Array> out(step.cluster.outputs.size());
  step.step->run(pointers, out, context);
  return out;
}

bool ran(const PlanStep& step, const Computed& computed) {
  const auto activations = activations_of(step.cluster);
  return std::all_of(activations.begin(), activations.end(), [&](const Operand* operand) { return computed.count(operand->value) != 0; });
}

ClusterAgreement compare_step(const PlanStep& step, const Computed& computed) {
  ClusterAgreement result;
  result.name = step.cluster.name();
  result.text = to_text({step.cluster});
  result.text.pop_back();
  result.declined = step.declined;
  if (!step.lowered) return result;
  std::vector<Array> found;
  try {
    found = run_alone(step, computed);
  } catch (const CannotRun& refusal) {
    result.declined = refusal.what();
    return result;
  }
  result.kernel = step.step->kernel();
  for (size_t i = 0; i < found.size(); ++i)
    if (const Operand& output = step.cluster.outputs[i]; output.value && computed.count(output.value))
      compare_output(step.cluster, output, plain_tensor(found[i]), computed.at(output.value), result);
  return result;
}

}  // namespace

bool ClusterAgreement::within_bound() const {
  if (!quantized) return differing == 0;
  return worst_steps <= 1 && differing <= std::max<int64_t>(1, elements / 1000);
}

std::vector<ClusterAgreement> compare_clusters(const Model& model, const std::string& engine, std::span<const Tensor> inputs) {
  const Backend* backend = find_backend(engine);
  if (!backend) throw usage_error("unknown engine \"" + engine + "\"");
  std::vector<ClusterAgreement> results;
  if (!backend->lower) return results;
  const Model canonical = canonical_for_execution(model, *backend);
  PlanIndex index;
  const auto plan = build_plan_graph(canonical, *canonical.graph, *backend, index);
  Computed computed;
  InterpreterHooks hooks;
  hooks.computed = [&](const Value& value, const Tensor& tensor) { computed[&value] = tensor; };
  Interpreter(canonical).run(inputs, hooks);
  for (const ProfileRow& row : index.rows)
    if (row.step->kind == PlanStep::Kind::run && ran(*row.step, computed)) results.push_back(compare_step(*row.step, computed));
  return results;
}

}  // namespace qtool
