#pragma once
// AttributeProto <-> Attribute.

#include <functional>
#include <memory>

#include "graph/graph.h"
#include "onnxio/tensor_codec.h"

namespace qtool::onnxio {

/// Makes the graph of a body.
using ReadBody = std::function<std::shared_ptr<Graph>(onnx::GraphProto&)>;
using WriteBody = std::function<onnx::GraphProto(const Graph&)>;

/// An attribute that is what we would write ourselves leaves no seal; of any other the whole message is sealed (tensors and
/// graphs taken out), and saving writes only what changed.
Attribute decode_attribute(onnx::AttributeProto& message, ExternalData& external, const ReadBody& read_body);
onnx::AttributeProto encode_attribute(const Attribute& attribute, const WriteBody& write_body);

}  // namespace qtool::onnxio
