#pragma once
#include <unordered_map>
#include <vector>

#include "graph/model.h"
#include "ops/op_def.h"

namespace qtool::testing {

/// Runs the main graph of a model through eval, node by node; inputs by position, undefined = omitted. Error(unsupported) where an
/// operator has no row or no eval.
std::vector<Tensor> interpret(const Model& model, const std::vector<Tensor>& inputs);

/// One operator on its own, with these attributes.
std::vector<Tensor> run_op(const std::string& op, int64_t opset, const std::vector<Tensor>& inputs,
                           const std::vector<Attribute>& attributes = {}, size_t outputs = 1);

}  // namespace qtool::testing
