#pragma once
// GraphProto -> Graph, bodies included.

#include <set>
#include <string>
#include <tuple>
#include <unordered_set>

#include "onnxio/attribute_codec.h"

namespace qtool::onnxio {

/// domain, name, overload.
using FunctionId = std::tuple<std::string, std::string, std::string>;

/// What all graphs of a file are read with.
struct FileContext {
  ExternalData external;
  std::set<FunctionId> functions;
  int64_t ir_version = 0;
};

/// Before IR 4 every initializer had to be listed as an input too, and was a constant all the same: such initializers become
/// get_attr nodes, their inputs stay in the seal and are written back while the model's IR is that old.
inline constexpr int64_t kIrOfDefaults = 4;

/// Reads one graph. Names resolve to the innermost graph that defines them; nodes out of order are sorted. Throws
/// Error(invalid_file): values defined twice or nowhere, cycles, bodies deeper than kMaxBodyDepth, broken tensors.
class GraphReader {
 public:
  GraphReader(FileContext& file, Graph& graph, GraphReader* parent);
  void read(onnx::GraphProto& message);
  /// The nodes of a function body; its placeholders are there already.
  void read_nodes(google::protobuf::RepeatedPtrField<onnx::NodeProto>& nodes);
  void read_outputs(const std::vector<std::string>& names);

 private:
  using Names = std::unordered_set<std::string>;
  static Names weight_names(const onnx::GraphProto& message);
  void read_inputs(onnx::GraphProto& message, const Names& weights);
  void read_weights(onnx::GraphProto& message);
  void read_sparse_weights(const onnx::GraphProto& message);
  void read_graph_outputs(onnx::GraphProto& message);
  void read_types(onnx::GraphProto& message);
  void take_type(const onnx::ValueInfoProto& info);
  Node& declare(onnx::NodeProto& message);
  void connect(Node& node, onnx::NodeProto& message);
  Value* resolve(const std::string& name);

  FileContext& file_;
  Graph& graph_;
  GraphReader* parent_;
  int depth_;
  std::unordered_set<const Node*> connected_;
  bool sorted_ = true;
};

}  // namespace qtool::onnxio
