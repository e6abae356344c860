#pragma once
// Protobuf as the rest of onnxio uses it: parsing within limits, sealing, fields by number.

#include <google/protobuf/io/zero_copy_stream.h>
#include <onnx/onnx_pb.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "graph/attribute.h"

namespace qtool::onnxio {

/// Bodies within bodies a file may have.
inline constexpr int kMaxBodyDepth = 64;

/// Parses within our limits (2 GB, nesting for kMaxBodyDepth bodies); false when the bytes are not such a message.
bool parse_message(google::protobuf::MessageLite& message, std::string_view bytes);
/// The same from a stream, so that a big file and its message need not be in memory together.
bool parse_message(google::protobuf::MessageLite& message, google::protobuf::io::ZeroCopyInputStream& input);

/// What is left of a message after our fields were taken; null when nothing is left.
Sealed seal(const google::protobuf::MessageLite& rest);

/// As seal, but never null: tells a bare message of a file from none.
Sealed seal_bare(const google::protobuf::MessageLite& rest);

/// The message a seal holds; an empty one for null.
template <class Proto>
Proto unseal(const Sealed& sealed) {
  Proto message;
  if (sealed && !parse_message(message, *sealed)) throw bug("a sealed message does not parse");
  return message;
}

/// A note of our own in a sealed message, never written to a file.
void mark(google::protobuf::Message& message);
/// Removes the note; whether there was one.
bool unmark(google::protobuf::Message& message);

/// Takes a string field out of a message. An empty field stays: so its presence survives saving.
template <class Proto>
std::string take(Proto& message, const std::string& (Proto::*get)() const, std::string* (Proto::*mutate)(), void (Proto::*clear)()) {
  std::string taken;
  if ((message.*get)().empty()) return taken;
  taken = std::move(*(message.*mutate)());
  (message.*clear)();
  return taken;
}

template <class Proto>
std::string take_name(Proto& message) {
  return take(message, &Proto::name, &Proto::mutable_name, &Proto::clear_name);
}

template <class Proto>
std::string take_domain(Proto& message) {
  return take(message, &Proto::domain, &Proto::mutable_domain, &Proto::clear_domain);
}

// Fields that older onnx libraries do not know. They are found by number, as a known field or among the unknown ones.
std::string string_field(const google::protobuf::Message& message, int number);
/// Writes only where the value differs; an empty value removes the field.
void set_string_field(google::protobuf::Message& message, int number, const std::string& value);
std::vector<onnx::AttributeProto> attributes_field(const google::protobuf::Message& message, int number);
void set_attributes_field(google::protobuf::Message& message, int number, const std::vector<onnx::AttributeProto>& values);

inline constexpr int kNodeOverload = 8;       ///< NodeProto.overload, ONNX 1.16
inline constexpr int kFunctionOverload = 13;  ///< FunctionProto.overload, ONNX 1.16
inline constexpr int kFunctionDefaults = 11;  ///< FunctionProto.attribute_proto, ONNX 1.13

}  // namespace qtool::onnxio
