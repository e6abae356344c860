#pragma once
// The steps of one graph (main graph or body), its values numbered as slots.

#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "exec/cluster.h"
#include "exec/lowering.h"

namespace qtool {

struct PlanGraph;

/// Where a step's tensor comes from: a slot, or (slot < 0) a constant; undefined constant = omitted.
struct Source {
  int slot = -1;
  Tensor constant;
};

struct PlanStep {
  enum class Kind { run, observe, control, skip };  ///< skip: nobody wants what it makes
  Kind kind = Kind::run;
  Cluster cluster;
  std::unique_ptr<Step> step;  ///< run
  LayoutRule rule = LayoutRule::plain;
  bool lowered = false;                            ///< by the engine, else through eval
  std::vector<int> inputs;                         ///< slots of activations_of(cluster)
  std::vector<DType> types;                        ///< what `step` was lowered for; undefined: any
  std::vector<int> outputs;                        ///< -1: nobody wants it
  std::vector<int> dying;                          ///< slots nobody needs afterwards
  std::vector<Source> arguments;                   ///< control: one an input of the node
  std::vector<std::unique_ptr<PlanGraph>> bodies;  ///< control: by attribute
  size_t row = 0;                                  ///< of the profile
  std::string declined;                            ///< the engine's reason when not lowered
  mutable std::once_flag fallback_made;
  mutable std::unique_ptr<Step> fallback;  ///< eval, made when the engine's step first refuses
};

struct PlanGraph {
  const Graph* graph = nullptr;
  size_t number = 0;  ///< among all graphs of the plan
  std::vector<std::unique_ptr<PlanStep>> steps;
  std::unordered_map<const Value*, int> slots;
  std::vector<Source> inputs;                          ///< placeholders: slot, and default as constant
  std::vector<std::pair<const Value*, int>> captured;  ///< values of enclosing graphs and their slot here
  std::vector<Source> outputs;
  size_t most_inputs = 0, most_outputs = 0;  ///< of a step
};

/// Row of a profile before it has times.
struct ProfileRow {
  const PlanStep* step;
  std::string name, op;
};

/// Numbers of all graphs, and rows of all steps, in order.
struct PlanIndex {
  std::vector<const PlanGraph*> graphs;
  std::vector<ProfileRow> rows;
};

/// Lowers every cluster of `graph` and its bodies with `backend`, or compiles it for eval.
std::unique_ptr<PlanGraph> build_plan_graph(const Model& model, const Graph& graph, const Backend& backend, PlanIndex& index);

/// The eval step of a cluster whose own step refused.
Step& fallback_of(const Model& model, const PlanStep& step);

}  // namespace qtool
