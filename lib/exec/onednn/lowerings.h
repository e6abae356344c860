#pragma once
// The lowerings of this engine: one function a row of lowerings.inc.

#include <memory>

#include "exec/kernels/products/operands.h"
#include "exec/onednn/engine.h"
#include "exec/onednn/primitive_step.h"

namespace qtool::onednn {

#define LOWERING(kind, op, function) LowerResult function(const Model&, const Cluster&);
#include "exec/onednn/lowerings.inc"
#undef LOWERING

/// Tries `problem->describe(likely shapes)`, then makes the step that compiles it for the shapes it meets.
template <class Problem>
LowerResult lower_primitive(const Cluster& cluster, std::shared_ptr<Problem> problem, LayoutRule rule) {
  const auto shapes = likely_shapes(cluster);
  if (!shapes) return Declined{"the rank of an input is unknown"};
  const bool refused = !implemented([&] {
    Compiled compiled;
    try {
      problem->describe(*shapes, compiled);
    } catch (const Error&) {  // guessed dimensions that contradict each other: the step will see
    }
  });
  if (refused) return Declined{"oneDNN does not implement it"};
  const Layout layout = rule == LayoutRule::channels_last ? Layout::channels_last : Layout::plain;
  return Lowered{make_primitive_step([problem](const std::vector<Shape>& inputs) { return problem->compile(inputs); }, layout), rule};
}

}  // namespace qtool::onednn
