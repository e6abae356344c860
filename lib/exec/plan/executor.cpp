#include "exec/plan/executor.h"

#include <algorithm>
#include <chrono>

#include "base/buffer_source.h"
#include "exec/control_flow.h"

namespace qtool {
namespace {

using Clock = std::chrono::steady_clock;

double microseconds_since(Clock::time_point begin) { return std::chrono::duration<double, std::micro>(Clock::now() - begin).count(); }

/// Tensors that operators make for themselves (eval) reuse the pool's memory too.
class PoolSource : public BufferSource {
 public:
  explicit PoolSource(BufferPool& pool) : pool_(pool) {}
  std::shared_ptr<Buffer> take(size_t bytes) override { return pool_.take(bytes); }

 private:
  BufferPool& pool_;
};

}  // namespace

Executor::Executor(const Model& model, const PlanIndex& index, int threads)
    : costs(index.rows.size()), model_(model), context_{pool_, threads} {
  for (const PlanGraph* graph : index.graphs) frames_.push_back(std::make_unique<Frame>(*graph));
}

std::vector<Tensor> Executor::run(const PlanGraph& graph, std::span<const Tensor> inputs) {
  if (profiling) std::fill(costs.begin(), costs.end(), StepCost{});
  PoolSource source(pool_);
  const BufferScope reuse(&source);
  return run(graph, inputs, nullptr, nullptr);
}

std::vector<Tensor> Executor::run(const PlanGraph& graph, std::span<const Tensor> inputs, Frame* outer, const PlanGraph* outer_graph) {
  Frame& frame = *frames_[graph.number];
  frame.clear();
  bind(graph, inputs, outer, outer_graph);
  for (const auto& each : graph.steps) {
    if (profiling)
      timed_step(graph, *each, frame);
    else
      step(graph, *each, frame);
    for (const int slot : each->dying) frame.drop(slot);
  }
  std::vector<Tensor> outputs;
  outputs.reserve(graph.outputs.size());
  for (const Source& output : graph.outputs) outputs.push_back(plain(output, frame));
  frame.clear();
  return outputs;
}

void Executor::bind(const PlanGraph& graph, std::span<const Tensor> inputs, Frame* outer, const PlanGraph* outer_graph) {
  Frame& frame = *frames_[graph.number];
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    const bool given = i < inputs.size() && inputs[i].defined();
    frame.set(graph.inputs[i].slot, {given ? inputs[i] : graph.inputs[i].constant, Layout::plain});
  }
  for (const auto& [value, slot] : graph.captured) frame.set(slot, outer->native(outer_graph->slots.at(value)));
}

Tensor Executor::plain(const Source& source, Frame& frame) {
  return source.slot < 0 ? source.constant : frame.in(source.slot, Layout::plain, pool_, nullptr).tensor;
}

void Executor::timed_step(const PlanGraph& graph, const PlanStep& each, Frame& frame) {
  if (each.kind == PlanStep::Kind::skip) return;
  StepCost& cost = costs[each.row];
  const double reorder_before = cost.reorder_us;
  const auto begin = Clock::now();
  step(graph, each, frame);
  cost.us += microseconds_since(begin) - (cost.reorder_us - reorder_before);
  ++cost.runs;
  measure(model_, each, frame, cost);
}

void Executor::step(const PlanGraph& graph, const PlanStep& step, Frame& frame) {
  switch (step.kind) {
    case PlanStep::Kind::run:
      return run_step(step, frame);
    case PlanStep::Kind::control:
      return run_control(graph, step, frame);
    case PlanStep::Kind::observe: {
      const Array passing = frame.native(step.inputs[0]);
      if (observe) observe(*step.cluster.root, passing);
      if (step.outputs[0] >= 0) frame.set(step.outputs[0], passing);
      return;
    }
    case PlanStep::Kind::skip:
      return;
  }
}

/// LayoutRule::same: that of the first operand of rank 3 or more; operands of several ranks broadcast in plain order alone.
Layout Executor::layout_for(const PlanStep& step, const Frame& frame) const {
  if (step.rule != LayoutRule::same) return step.rule == LayoutRule::plain ? Layout::plain : Layout::channels_last;
  const Array& first = frame.native(step.inputs[0]);
  for (const int slot : step.inputs)
    if (frame.native(slot).tensor.rank() != first.tensor.rank()) return Layout::plain;
  return first.layout;
}

void Executor::run_step(const PlanStep& step, Frame& frame) {
  double* reorder_us = profiling ? &costs[step.row].reorder_us : nullptr;
  const Layout layout = step.inputs.empty() ? Layout::plain : layout_for(step, frame);
  bool as_declared = true;
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const Array& array = frame.in(step.inputs[i], layout, pool_, reorder_us);
    frame.pointers[i] = &array;
    as_declared &= step.types[i] == DType::undefined || step.types[i] == array.tensor.dtype();
  }
  if (!as_declared) return run_fallback(step, frame, "an input of another type than declared");
  const std::span<Array> made(frame.made.data(), step.outputs.size());
  try {
    step.step->run({frame.pointers.data(), step.inputs.size()}, made, context_);
  } catch (const CannotRun& refusal) {
    return run_fallback(step, frame, refusal.what());
  }
  for (size_t i = 0; i < made.size(); ++i) {
    if (step.outputs[i] >= 0) frame.set(step.outputs[i], std::move(made[i]));
    made[i].tensor = Tensor();
  }
}

void Executor::run_fallback(const PlanStep& step, Frame& frame, const std::string& why) {
  if (profiling) costs[step.row].fell_back = why;
  for (size_t i = 0; i < step.inputs.size(); ++i) frame.pointers[i] = &frame.in(step.inputs[i], Layout::plain, pool_, nullptr);
  std::vector<Array> made(step.outputs.size());
  fallback_of(model_, step).run({frame.pointers.data(), step.inputs.size()}, made, context_);
  for (size_t i = 0; i < made.size(); ++i)
    if (step.outputs[i] >= 0) frame.set(step.outputs[i], std::move(made[i]));
}

void Executor::run_control(const PlanGraph& graph, const PlanStep& step, Frame& frame) {
  std::vector<Tensor> in;
  for (const Source& source : step.arguments) in.push_back(plain(source, frame));
  const auto body = [&](Graph& body_graph, const std::vector<Tensor>& inputs) {
    const auto at = std::find_if(step.bodies.begin(), step.bodies.end(), [&](const auto& body) { return body->graph == &body_graph; });
    return run(**at, inputs, &frame, &graph);
  };
  const Node& node = *step.cluster.root;
  std::vector<Tensor> out = run_control_flow(node, model_.opset(), in, body);
  for (size_t i = 0; i < step.outputs.size() && i < out.size(); ++i)
    if (step.outputs[i] >= 0) frame.set(step.outputs[i], {std::move(out[i]), Layout::plain});
}

}  // namespace qtool
