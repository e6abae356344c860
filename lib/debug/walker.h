#pragma once
// Steps of a plan, one by one, on frames the caller owns: several lanes of one graph can then go side by side.

#include <functional>

#include "exec/plan/frame.h"

namespace qtool::debug {

/// What becomes of a tensor at a site (an observer call).
using AtSite = std::function<Array(const Node& observer, const Array& value)>;

/// One thread's.
class Walker {
 public:
  explicit Walker(const Model& model) : model_(model), context_{pool_, 1} {}
  /// Inputs of the main graph, one a placeholder (undefined: its default).
  void bind(const PlanGraph& graph, std::span<const Tensor> inputs, Frame& frame) const;
  /// Runs a step that is neither skipped nor a site: takes its inputs from `from`, sets its outputs in `to`. `at_site` is for the sites
  /// in the bodies of control flow.
  void run(const PlanGraph& graph, const PlanStep& step, Frame& from, Frame& to, const AtSite& at_site);
  /// All steps of the main graph from the first-th on.
  std::vector<Tensor> finish(const PlanGraph& graph, size_t first, Frame& frame, const AtSite& at_site, bool keep = false);
  std::vector<Tensor> outputs(const PlanGraph& graph, Frame& frame);
  BufferPool& pool() { return pool_; }

 private:
  void run_step(const PlanStep& step, Frame& from, std::vector<Array>& made);
  void run_control(const PlanGraph& graph, const PlanStep& step, Frame& from, std::vector<Array>& made, const AtSite& at_site);
  std::vector<Tensor> run_body(const PlanGraph& body, std::span<const Tensor> inputs, const PlanGraph& outer, const Frame& frame,
                               const AtSite& at_site);
  Tensor plain(const Source& source, Frame& frame);

  const Model& model_;
  BufferPool pool_;
  StepContext context_;
};

}  // namespace qtool::debug
