#pragma once
// The reference engine: executes a graph node by node over OpDef.eval, literally as it stands. The arbiter of every other
// engine, and naive as eval is.

#include <functional>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "exec/lifetime.h"
#include "exec/plan.h"
#include "graph/model.h"
#include "ops/op_def.h"

namespace qtool {

/// What an Interpreter tells while it runs.
struct InterpreterHooks {
  ObserveFn observe;                                          ///< at observer calls
  std::function<void(const Node&, double us)> timed;          ///< after each node of the main graph
  std::function<void(const Value&, const Tensor&)> computed;  ///< every value of every graph, as soon as it is there
};

/// Runs `model` (calls of local functions other than observers must have been inlined). Keeps a reference; holds no state
/// between runs, so it may be used from several threads.
class Interpreter {
 public:
  explicit Interpreter(const Model& model);
  /// inputs: one a placeholder of the main graph, undefined = its default. One tensor a graph output.
  std::vector<Tensor> run(std::span<const Tensor> inputs, const InterpreterHooks& hooks = {}) const;

 private:
  struct Prepared {
    std::unordered_map<const Node*, std::vector<const Value*>> dying;
    std::unordered_map<const Node*, const OpDef*> ops;
  };
  class Frame;
  const Model& model_;
  std::unordered_map<const Graph*, Prepared> prepared_;
};

/// Error(unsupported): node "x": operator Foo of domain com.bar (opset 3) cannot be executed.
Error cannot_execute(const Model& model, const Node& node);

/// Evaluates one node that has a row; errors carry the node's path.
std::vector<Tensor> evaluate(const OpDef& op, const Node& node, std::span<const Tensor> in);

}  // namespace qtool
