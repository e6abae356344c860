#pragma once
// Models as text for people: as Python code and as a Graphviz drawing. The table is in model.h.

#include <string>

#include "graph/model.h"

namespace qtool {

/// torch.fx's view as code: one assignment a node, in valid Python.
///   operators    y = ai.onnx.Conv(x, w, strides = [1, 1])
///   weights      w = self.conv1.weight
///   functions    y = self.ConvRelu_0(x, w), defined below the model
///   bodies       def then_branch(): ... in front of the If, Loop or Scan that calls them
/// Names that are no identifiers are made to be: "/conv/Conv_output_0" is _conv_Conv_output_0.
std::string to_code(const Model& model);

/// A drawing for `dot -Tsvg`: calls are boxes, inputs and outputs ovals, fused groups and observers filled, edges have the tensors'
/// names and types, bodies are clusters. Weights are named in the boxes that read them.
std::string to_dot(const Model& model);

}  // namespace qtool
