#include "onnxio/messages.h"

#include <google/protobuf/util/message_differencer.h>
#include <onnx/defs/parser.h>

#include "onnxio/onnxio.h"
#include "onnxio/proto.h"

namespace qtool::testing {

onnx::ModelProto message_of_text(const std::string& text) {
  onnx::ModelProto message;
  const auto status = onnx::OnnxParser::Parse(message, text.c_str());
  if (!status.IsOK()) throw bug(status.ErrorMessage());
  return message;
}

onnx::ModelProto message_of_bytes(const std::string& bytes) {
  onnx::ModelProto message;
  if (!onnxio::parse_message(message, bytes)) throw bug("written bytes do not parse");
  return message;
}

std::string difference(const google::protobuf::Message& a, const google::protobuf::Message& b) {
  std::string report;
  google::protobuf::util::DefaultFieldComparator comparator;
  comparator.set_treat_nan_as_equal(true);
  google::protobuf::util::MessageDifferencer differencer;
  differencer.set_field_comparator(&comparator);
  differencer.ReportDifferencesToString(&report);
  return differencer.Compare(a, b) ? "" : report.substr(0, 2000);
}

std::string roundtrip_difference(const onnx::ModelProto& message) {
  return difference(message, message_of_bytes(onnxio::serialize(onnxio::parse(message.SerializeAsString()))));
}

onnx::TensorProto zeros(const std::string& name, const std::vector<int64_t>& dims) {
  onnx::TensorProto tensor;
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  size_t count = 1;
  for (const int64_t dim : dims) tensor.add_dims(dim), count *= static_cast<size_t>(dim);
  tensor.set_raw_data(std::string(count * 4, '\0'));
  return tensor;
}

onnx::ModelProto small_message() {
  return message_of_text("<ir_version: 8, opset_import: [\"\" : 17]> g (float[4] x) => (float[4] y) { y = Relu(x) }");
}

}  // namespace qtool::testing
