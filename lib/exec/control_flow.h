#pragma once
// If, Loop and Scan over any way of running a body; what the body's captures are is the runner's business.

#include <functional>
#include <vector>

#include "graph/model.h"
#include "tensor/tensor.h"

namespace qtool {

/// Runs a body of the node: one tensor a placeholder, one tensor an output.
using RunBody = std::function<std::vector<Tensor>(Graph& body, const std::vector<Tensor>& inputs)>;

bool is_control_flow(const Node& node);

/// For the whole process: a Loop asked for more iterations than this ends in Error(unsupported). 1 000 000 unless set.
void limit_loop_iterations(int64_t most);

/// in: the node's inputs, undefined = omitted; errors carry the path of the node. `opset` of the default domain (Scan-8 has a batch axis
/// and sequence_lens).
std::vector<Tensor> run_control_flow(const Node& node, int64_t opset, const std::vector<Tensor>& in, const RunBody& run);

}  // namespace qtool
