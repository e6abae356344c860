#pragma once
// Protobuf messages in tests of onnxio.

#include <onnx/onnx_pb.h>

#include <string>

namespace qtool::testing {

/// A model in ONNX text, as a message.
onnx::ModelProto message_of_text(const std::string& text);
onnx::ModelProto message_of_bytes(const std::string& bytes);

/// What MessageDifferencer finds, unknown fields included; empty: the same message.
std::string difference(const google::protobuf::Message& a, const google::protobuf::Message& b);

/// The difference that loading and saving makes.
std::string roundtrip_difference(const onnx::ModelProto& message);

/// float32[dims] named `name` with raw zeros.
onnx::TensorProto zeros(const std::string& name, const std::vector<int64_t>& dims);

/// A graph with input x and output y of type float32 [4], y = Relu(x); a start for messages built by hand.
onnx::ModelProto small_message();

}  // namespace qtool::testing
