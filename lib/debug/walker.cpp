#include "debug/walker.h"

#include <algorithm>

#include "exec/control_flow.h"

namespace qtool::debug {
namespace {

Layout layout_for(const PlanStep& step, const Frame& frame) {
  if (step.inputs.empty()) return Layout::plain;
  if (step.rule != LayoutRule::same) return step.rule == LayoutRule::plain ? Layout::plain : Layout::channels_last;
  const Array& first = frame.native(step.inputs[0]);
  for (const int slot : step.inputs)
    if (frame.native(slot).tensor.rank() != first.tensor.rank()) return Layout::plain;
  return first.layout;
}

}  // namespace

void Walker::bind(const PlanGraph& graph, std::span<const Tensor> inputs, Frame& frame) const {
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    const bool given = i < inputs.size() && inputs[i].defined();
    frame.set(graph.inputs[i].slot, {given ? inputs[i] : graph.inputs[i].constant, Layout::plain});
  }
}

void Walker::run(const PlanGraph& graph, const PlanStep& step, Frame& from, Frame& to, const AtSite& at_site) {
  std::vector<Array> made(step.outputs.size());
  if (step.kind == PlanStep::Kind::control)
    run_control(graph, step, from, made, at_site);
  else
    run_step(step, from, made);
  for (size_t i = 0; i < made.size(); ++i)
    if (step.outputs[i] >= 0) to.set(step.outputs[i], std::move(made[i]));
}

void Walker::run_step(const PlanStep& step, Frame& from, std::vector<Array>& made) {
  const auto gathered = [&](Layout layout) {
    std::vector<const Array*> arrays;
    for (const int slot : step.inputs) arrays.push_back(&from.in(slot, layout, pool_, nullptr));
    return arrays;
  };
  const std::vector<const Array*> in = gathered(layout_for(step, from));
  bool as_declared = true;
  for (size_t i = 0; i < in.size(); ++i) as_declared &= step.types[i] == DType::undefined || step.types[i] == in[i]->tensor.dtype();
  try {
    if (as_declared) return step.step->run(in, made, context_);
  } catch (const CannotRun&) {
  }
  fallback_of(model_, step).run(gathered(Layout::plain), made, context_);
}

void Walker::run_control(const PlanGraph& graph, const PlanStep& step, Frame& from, std::vector<Array>& made, const AtSite& at_site) {
  std::vector<Tensor> in;
  for (const Source& source : step.arguments) in.push_back(plain(source, from));
  const auto body = [&](Graph& body_graph, const std::vector<Tensor>& inputs) {
    const auto at = std::find_if(step.bodies.begin(), step.bodies.end(), [&](const auto& each) { return each->graph == &body_graph; });
    return run_body(**at, inputs, graph, from, at_site);
  };
  std::vector<Tensor> out = run_control_flow(*step.cluster.root, model_.opset(), in, body);
  for (size_t i = 0; i < made.size() && i < out.size(); ++i) made[i] = {std::move(out[i]), Layout::plain};
}

std::vector<Tensor> Walker::run_body(const PlanGraph& body, std::span<const Tensor> inputs, const PlanGraph& outer, const Frame& frame,
                                     const AtSite& at_site) {
  Frame inner(body);
  bind(body, inputs, inner);
  for (const auto& [value, slot] : body.captured) inner.set(slot, frame.native(outer.slots.at(value)));
  return finish(body, 0, inner, at_site);
}

std::vector<Tensor> Walker::finish(const PlanGraph& graph, size_t first, Frame& frame, const AtSite& at_site, bool keep) {
  for (size_t i = first; i < graph.steps.size(); ++i) {
    const PlanStep& step = *graph.steps[i];
    if (step.kind == PlanStep::Kind::skip) continue;
    if (step.kind != PlanStep::Kind::observe)
      run(graph, step, frame, frame, at_site);
    else if (step.outputs[0] >= 0)
      frame.set(step.outputs[0], at_site(*step.cluster.root, frame.native(step.inputs[0])));
    if (keep) continue;
    for (const int slot : step.dying) frame.drop(slot);
  }
  return outputs(graph, frame);
}

std::vector<Tensor> Walker::outputs(const PlanGraph& graph, Frame& frame) {
  std::vector<Tensor> tensors;
  for (const Source& output : graph.outputs) tensors.push_back(plain(output, frame));
  return tensors;
}

Tensor Walker::plain(const Source& source, Frame& frame) {
  return source.slot < 0 ? source.constant : frame.in(source.slot, Layout::plain, pool_, nullptr).tensor;
}

}  // namespace qtool::debug
