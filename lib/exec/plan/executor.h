#pragma once
// Runs the steps of a plan's graphs for one Runner.

#include "exec/plan.h"
#include "exec/plan/frame.h"

namespace qtool {

/// What a step cost in the last run.
struct StepCost {
  double us = 0, reorder_us = 0;
  int64_t macs = 0, bytes = 0, runs = 0;
  std::string fell_back;      ///< why, where no kernel took these inputs
  std::vector<Shape> shapes;  ///< of the inputs
};

class Executor {
 public:
  Executor(const Model& model, const PlanIndex& index, int threads);
  std::vector<Tensor> run(const PlanGraph& graph, std::span<const Tensor> inputs);

  ObserveFn observe;
  bool profiling = false;
  std::vector<StepCost> costs;  ///< by row

 private:
  std::vector<Tensor> run(const PlanGraph& graph, std::span<const Tensor> inputs, Frame* outer, const PlanGraph* outer_graph);
  void bind(const PlanGraph& graph, std::span<const Tensor> inputs, Frame* outer, const PlanGraph* outer_graph);
  void step(const PlanGraph& graph, const PlanStep& step, Frame& frame);
  void timed_step(const PlanGraph& graph, const PlanStep& step, Frame& frame);
  void run_step(const PlanStep& step, Frame& frame);
  void run_fallback(const PlanStep& step, Frame& frame, const std::string& why);
  void run_control(const PlanGraph& graph, const PlanStep& step, Frame& frame);
  Layout layout_for(const PlanStep& step, const Frame& frame) const;
  Tensor plain(const Source& source, Frame& frame);

  const Model& model_;
  BufferPool pool_;
  StepContext context_;
  std::vector<std::unique_ptr<Frame>> frames_;  ///< by number of the graph
};

/// Multiply-accumulates and bytes moved of a step that has just run.
void measure(const Model& model, const PlanStep& step, const Frame& frame, StepCost& cost);

}  // namespace qtool
