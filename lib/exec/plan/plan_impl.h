#pragma once
#include <memory>
#include <string>
#include <vector>

#include "exec/plan.h"
#include "exec/plan/plan_graph.h"
#include "exec/reference/interpreter.h"

namespace qtool {

/// Either `graph` (engines with lowerings) or `interpreter` (the reference).
struct Plan::Impl {
  const Backend* backend = nullptr;
  std::string engine;
  int threads = 1;
  Model model;
  std::vector<std::string> input_names, output_names;
  std::vector<Node*> inputs;      ///< placeholders a caller gives
  std::vector<size_t> positions;  ///< of `inputs` among all placeholders
  size_t placeholder_count = 0;
  PlanIndex index;
  std::unique_ptr<PlanGraph> graph;
  std::unique_ptr<Interpreter> interpreter;
  std::vector<const Node*> nodes;  ///< calls of the main graph, for the interpreter's profile
};

/// Throws Error(invalid_file) naming the input, what it is and what was given. Unknown dimensions fit anything.
void check_input(const Node& placeholder, const Tensor& given);

}  // namespace qtool
