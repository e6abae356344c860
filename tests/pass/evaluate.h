#pragma once
// A tiny executor over OpDef::eval: what passes are judged by.

#include <map>
#include <string>
#include <vector>

#include "graph/model.h"

namespace qtool::testing {

using Values = std::map<std::string, Tensor>;

/// Outputs of the main graph, by name.
Values evaluate(const Model& model, const Values& inputs);

/// Random inputs for every placeholder; unknown dimensions are 2.
Values random_inputs(const Model& model, unsigned seed);

/// Largest |a - b| / (1 + |a|) over all outputs; names and shapes must agree (else infinity).
double distance(const Values& a, const Values& b);

/// Operators of the main graph and all bodies below, in order; calls of functions by the function's name.
std::vector<std::string> operators(const Model& model);
size_t count(const Model& model, const std::string& op);

}  // namespace qtool::testing
