#pragma once
// Graph -> GraphProto.

#include <string>
#include <utility>
#include <vector>

#include "graph/graph.h"
#include "onnxio/proto.h"
#include "onnxio/sidecar.h"

namespace qtool::onnxio {

class GraphWriter {
 public:
  /// `sidecar` null: all weights inline.
  GraphWriter(int64_t ir_version, Sidecar* sidecar) : ir_version_(ir_version), sidecar_(sidecar) {}

  using NamedWeight = std::pair<std::string, const SealedTensor*>;
  /// Everything but the weights, and these, in the order they are written.
  onnx::GraphProto write_head(const Graph& graph, std::vector<NamedWeight>& weights) const;
  /// Name, dims, type; elements only where they are typed or go to the sidecar. `raw`: the elements are still to be written.
  onnx::TensorProto write_weight(const NamedWeight& weight, bool& raw) const;
  /// A body, weights inside.
  onnx::GraphProto write(const Graph& graph) const;

  /// Where a graph's weights go that has no initializers of its own.
  enum class Weights { elsewhere, as_constants };
  void write_nodes(const Graph& graph, google::protobuf::RepeatedPtrField<onnx::NodeProto>& nodes, Weights weights) const;

 private:
  onnx::NodeProto write_node(const Node& node) const;
  void write_inputs(const Graph& graph, onnx::GraphProto& message) const;

  int64_t ir_version_;
  Sidecar* sidecar_;
};

}  // namespace qtool::onnxio
