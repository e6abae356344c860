#pragma once
// FunctionProto <-> Function, and the small lists that models and functions share.

#include "graph/model.h"
#include "onnxio/graph_reader.h"
#include "onnxio/graph_writer.h"

namespace qtool::onnxio {

using OpsetList = google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto>;

/// "ai.onnx" becomes "".
Opsets opsets_of(const OpsetList& list);
/// Leaves a list that says the same as it is.
void write_opsets(OpsetList& list, const Opsets& opsets);

/// Throws Error(invalid_file) when two functions have one id.
std::set<FunctionId> ids_of(const onnx::ModelProto& message);
std::unique_ptr<Function> read_function(onnx::FunctionProto& message, FileContext& file);
/// Weights in the body become Constant nodes: a function has no initializers.
onnx::FunctionProto write_function(const Function& function, const GraphWriter& writer);

/// Throws Error(invalid_file) when a function calls itself, through others or not, or is called with more inputs or outputs
/// than it has.
void check_calls(const Model& model);

}  // namespace qtool::onnxio
