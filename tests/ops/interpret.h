#pragma once
#include <vector>

#include "graph/model.h"
#include "ops/op_def.h"

namespace qtool::testing {

/// Runs a model on the reference engine; inputs by position, undefined or missing = the default.
std::vector<Tensor> interpret(const Model& model, const std::vector<Tensor>& inputs);

/// One operator on its own, with these attributes.
std::vector<Tensor> run_op(const std::string& op, int64_t opset, const std::vector<Tensor>& inputs,
                           const std::vector<Attribute>& attributes = {}, size_t outputs = 1);

}  // namespace qtool::testing
