#include "onnxio/proto.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/unknown_field_set.h>

#include <limits>

namespace qtool::onnxio {
namespace {

namespace pb = google::protobuf;

/// A body is three messages deep (node, attribute, graph); the rest is for what lies inside the innermost one.
constexpr int kRecursionLimit = 3 * kMaxBodyDepth + 24;

/// A field number no message of ONNX has.
constexpr int kMark = 536870000;

const pb::FieldDescriptor* known_field(const pb::Message& message, int number) {
  return message.GetDescriptor()->FindFieldByNumber(number);
}

const pb::UnknownFieldSet& unknown_fields(const pb::Message& message) { return message.GetReflection()->GetUnknownFields(message); }

std::vector<std::string> unknown_strings(const pb::Message& message, int number) {
  std::vector<std::string> found;
  const pb::UnknownFieldSet& unknown = unknown_fields(message);
  for (int i = 0; i < unknown.field_count(); ++i) {
    const pb::UnknownField& field = unknown.field(i);
    if (field.number() == number && field.type() == pb::UnknownField::TYPE_LENGTH_DELIMITED) found.push_back(field.length_delimited());
  }
  return found;
}

}  // namespace

bool parse_message(pb::MessageLite& message, pb::io::ZeroCopyInputStream& input) {
  pb::io::CodedInputStream stream(&input);
  stream.SetTotalBytesLimit(std::numeric_limits<int>::max());
  stream.SetRecursionLimit(kRecursionLimit);
  return message.ParseFromCodedStream(&stream) && stream.ConsumedEntireMessage();
}

bool parse_message(pb::MessageLite& message, std::string_view bytes) {
  if (bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max())) return false;
  pb::io::ArrayInputStream input(bytes.data(), static_cast<int>(bytes.size()));
  return parse_message(message, input);
}

Sealed seal(const pb::MessageLite& rest) {
  std::string bytes = rest.SerializeAsString();
  return bytes.empty() ? nullptr : std::make_shared<const std::string>(std::move(bytes));
}

Sealed seal_bare(const pb::MessageLite& rest) { return std::make_shared<const std::string>(rest.SerializeAsString()); }

void mark(pb::Message& message) { message.GetReflection()->MutableUnknownFields(&message)->AddVarint(kMark, 1); }

bool unmark(pb::Message& message) {
  const pb::UnknownFieldSet& unknown = unknown_fields(message);
  const int before = unknown.field_count();
  if (before != 0) message.GetReflection()->MutableUnknownFields(&message)->DeleteByNumber(kMark);
  return unknown.field_count() != before;
}

std::string string_field(const pb::Message& message, int number) {
  if (const auto* field = known_field(message, number)) return message.GetReflection()->GetString(message, field);
  const auto found = unknown_strings(message, number);
  return found.empty() ? std::string() : found.back();
}

void set_string_field(pb::Message& message, int number, const std::string& value) {
  if (string_field(message, number) == value) return;
  if (const auto* field = known_field(message, number)) {
    message.GetReflection()->ClearField(&message, field);
    if (!value.empty()) message.GetReflection()->SetString(&message, field, value);
    return;
  }
  pb::UnknownFieldSet& unknown = *message.GetReflection()->MutableUnknownFields(&message);
  unknown.DeleteByNumber(number);
  if (!value.empty()) unknown.AddLengthDelimited(number, value);
}

std::vector<onnx::AttributeProto> attributes_field(const pb::Message& message, int number) {
  std::vector<onnx::AttributeProto> found;
  if (const auto* field = known_field(message, number)) {
    const pb::Reflection& reflection = *message.GetReflection();
    for (int i = 0; i < reflection.FieldSize(message, field); ++i)
      found.push_back(dynamic_cast<const onnx::AttributeProto&>(reflection.GetRepeatedMessage(message, field, i)));
    return found;
  }
  for (const std::string& bytes : unknown_strings(message, number))
    if (!parse_message(found.emplace_back(), bytes)) throw invalid_file("an attribute default is not an AttributeProto");
  return found;
}

void set_attributes_field(pb::Message& message, int number, const std::vector<onnx::AttributeProto>& values) {
  const auto* field = known_field(message, number);
  if (field) {
    message.GetReflection()->ClearField(&message, field);
    for (const auto& value : values) message.GetReflection()->AddMessage(&message, field)->CopyFrom(value);
    return;
  }
  pb::UnknownFieldSet& unknown = *message.GetReflection()->MutableUnknownFields(&message);
  unknown.DeleteByNumber(number);
  for (const auto& value : values) unknown.AddLengthDelimited(number, value.SerializeAsString());
}

}  // namespace qtool::onnxio
