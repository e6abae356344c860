// Models in ONNX's text syntax, with node names in brackets also where the onnx library is too old to know them.
// Alone in this file is the use of libonnx itself: a program that never calls parse_text does not load it.

#include <onnx/defs/parser.h>

#include <regex>

#include "onnxio/model_reader.h"

namespace qtool::onnxio {
namespace {

constexpr const char* kMarkDomain = "qtool_text";

/// `[name] y = Op(x)`: a node that holds the name goes in front of the named one.
std::string names_to_marks(const std::string& text) {
  static const std::regex bracket(R"((^|\n|\{|\})(\s*)\[([^\]\n]+)\](?=\s*[A-Za-z_,]))");
  return std::regex_replace(text, bracket, std::string("$1$2 qtool_mark = ") + kMarkDomain + ".Name <name = \"$3\"> ()");
}

void marks_to_names(google::protobuf::RepeatedPtrField<onnx::NodeProto>& nodes);

void marks_to_names(onnx::NodeProto& node) {
  for (auto& attribute : *node.mutable_attribute()) {
    if (attribute.has_g()) marks_to_names(*attribute.mutable_g()->mutable_node());
    for (auto& graph : *attribute.mutable_graphs()) marks_to_names(*graph.mutable_node());
  }
}

void marks_to_names(google::protobuf::RepeatedPtrField<onnx::NodeProto>& nodes) {
  google::protobuf::RepeatedPtrField<onnx::NodeProto> kept;
  std::string name;
  for (auto& node : nodes) {
    if (node.domain() == kMarkDomain) {
      name = node.attribute(0).s();
      continue;
    }
    marks_to_names(node);
    if (!name.empty()) node.set_name(name);
    name.clear();
    *kept.Add() = std::move(node);
  }
  nodes.Swap(&kept);
}

}  // namespace

Model parse_text(const std::string& text) {
  onnx::ModelProto message;
  const auto status = onnx::OnnxParser::Parse(message, names_to_marks(text).c_str());
  if (!status.IsOK()) throw invalid_file("ONNX text: " + status.ErrorMessage());
  marks_to_names(*message.mutable_graph()->mutable_node());
  for (auto& function : *message.mutable_functions()) marks_to_names(*function.mutable_node());
  return with_frame("ONNX text", [&] { return read_model(message, std::nullopt); });
}

}  // namespace qtool::onnxio
