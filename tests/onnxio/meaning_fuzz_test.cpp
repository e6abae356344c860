// Models that are well-formed messages but damaged in meaning: fields cleared, copied, exchanged, numbers made absurd.

#include <catch2/catch_test_macros.hpp>
#include <random>

#include "onnxio/hostile_bytes.h"
#include "onnxio/messages.h"

using namespace qtool;
namespace pb = google::protobuf;

namespace {

using Random = std::mt19937;

size_t pick(Random& random, size_t below) { return below == 0 ? 0 : random() % below; }

/// All messages below one, itself first.
void collect(pb::Message& message, std::vector<pb::Message*>& found) {
  found.push_back(&message);
  std::vector<const pb::FieldDescriptor*> fields;
  const pb::Reflection& reflection = *message.GetReflection();
  reflection.ListFields(message, &fields);
  for (const auto* field : fields) {
    if (field->cpp_type() != pb::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      collect(*reflection.MutableMessage(&message, field), found);
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) collect(*reflection.MutableRepeatedMessage(&message, field, i), found);
  }
}

int64_t absurd_number(Random& random) {
  static const int64_t kNumbers[] = {0, 1, -1, 2, 3, 7, 22, 99, 1 << 30, int64_t{1} << 40, int64_t{1} << 62, INT64_MIN, INT64_MAX};
  return kNumbers[pick(random, std::size(kNumbers))];
}

std::string some_name(Random& random) {
  static const char* const kNames[] = {"", "x", "y", "m", "w", "t", "ai.onnx", "If", "F", "Constant", "gone"};
  return kNames[pick(random, std::size(kNames))];
}

void change_single(pb::Message& message, const pb::FieldDescriptor* field, Random& random) {
  const pb::Reflection& reflection = *message.GetReflection();
  switch (field->cpp_type()) {
    case pb::FieldDescriptor::CPPTYPE_STRING:
      return reflection.SetString(&message, field, some_name(random));
    case pb::FieldDescriptor::CPPTYPE_INT64:
      return reflection.SetInt64(&message, field, absurd_number(random));
    case pb::FieldDescriptor::CPPTYPE_INT32:
      return reflection.SetInt32(&message, field, static_cast<int32_t>(absurd_number(random)));
    case pb::FieldDescriptor::CPPTYPE_ENUM: {
      const auto* values = field->enum_type();
      return reflection.SetEnumValue(&message, field,
                                     values->value(static_cast<int>(pick(random, static_cast<size_t>(values->value_count()))))->number());
    }
    default:
      return reflection.ClearField(&message, field);
  }
}

void change_repeated(pb::Message& message, const pb::FieldDescriptor* field, Random& random) {
  const pb::Reflection& reflection = *message.GetReflection();
  const int size = reflection.FieldSize(message, field);
  if (size == 0) return;
  const int i = static_cast<int>(pick(random, static_cast<size_t>(size)));
  const size_t how = pick(random, 4);
  if (how == 0) return reflection.RemoveLast(&message, field);
  if (how == 1) return reflection.SwapElements(&message, field, i, size - 1);
  switch (field->cpp_type()) {
    case pb::FieldDescriptor::CPPTYPE_STRING:
      return reflection.SetRepeatedString(&message, field, i, some_name(random));
    case pb::FieldDescriptor::CPPTYPE_INT64:
      return reflection.SetRepeatedInt64(&message, field, i, absurd_number(random));
    case pb::FieldDescriptor::CPPTYPE_MESSAGE:
      return reflection.AddMessage(&message, field)->CopyFrom(reflection.GetRepeatedMessage(message, field, i));
    default:
      return;
  }
}

void damage(onnx::ModelProto& model, Random& random) {
  std::vector<pb::Message*> messages;
  collect(model, messages);
  pb::Message& message = *messages[pick(random, messages.size())];
  const auto& type = *message.GetDescriptor();
  const auto* field = type.field(static_cast<int>(pick(random, static_cast<size_t>(type.field_count()))));
  if (pick(random, 8) == 0) return message.GetReflection()->ClearField(&message, field);
  field->is_repeated() ? change_repeated(message, field, random) : change_single(message, field, random);
}

std::vector<onnx::ModelProto> seeds() {
  auto weighted = testing::message_of_text(
      "<ir_version: 3, opset_import: [\"\" : 7]> g (float[N, 3] x, float[3, 2] w) => (float[N, 2] y) { m = MatMul(x, w) y = Relu(m) }");
  *weighted.mutable_graph()->add_initializer() = testing::zeros("w", {3, 2});
  auto& sparse = *weighted.mutable_graph()->add_sparse_initializer();
  *sparse.mutable_values() = testing::zeros("s", {1});
  sparse.add_dims(3);
  auto& info = *weighted.mutable_graph()->add_value_info() = weighted.graph().input(0);
  info.set_name("m");
  auto nested = testing::message_of_text(R"(<ir_version: 8, opset_import: ["" : 17, "m" : 1]>
    g (float[2] x, bool c) => (float[2] y) {
      h = Constant <value = int8[2] {1, 2}> ()
      y = If (c) <then_branch = t () => (float[2] a) { a = m.F <a = [1.5, 2.5]> (x, h) },
                  else_branch = e () => (float[2] b) <float[2] w = {3, 4}> { b = Clip <name = "n", axes = [1, 2]> (w) }> }
    <domain: "m", opset_import: ["" : 17]> F <a> (u, w) => (v) { t = Neg(u) v = Add(t, w) })");
  return {weighted, nested};
}

}  // namespace

TEST_CASE("fuzz: models damaged in meaning") {
  for (const onnx::ModelProto& seed : seeds()) {
    Random random(7);
    for (int round = 0; round < 4000; ++round) {
      INFO("round " << round);
      onnx::ModelProto message = seed;
      for (size_t edits = 1 + pick(random, 4); edits > 0; --edits) damage(message, random);
      testing::load_hostile(message.SerializeAsString());
    }
  }
}
