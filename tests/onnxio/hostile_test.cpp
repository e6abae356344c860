// Hostile files: one clear error each, never a crash, a hang or memory beyond what the file itself holds.

#include <catch2/catch_test_macros.hpp>
#include <ctime>
#include <functional>

#include "base/output_file.h"
#include "onnxio/messages.h"
#include "onnxio/onnxio.h"
#include "support/models.h"

using namespace qtool;
using onnx::AttributeProto;
using onnx::ModelProto;
using onnx::TensorProto;
using testing::message_of_text;
using testing::small_message;
using testing::zeros;

namespace {

/// The error of parsing these bytes, with its exit code checked; "" when there is none.
std::string error_of(const std::string& bytes) {
  try {
    onnxio::parse(bytes, "FILE");
    return "";
  } catch (const Error& error) {
    CHECK(error.code() == ExitCode::invalid_file);
    CHECK(std::string(error.what()).find('\n') == std::string::npos);
    return error.what();
  }
}

struct Case {
  std::string expected;
  std::function<void(ModelProto&)> apply;
};

TensorProto& weight(ModelProto& m, const TensorProto& tensor) { return *m.mutable_graph()->add_initializer() = tensor; }

onnx::NodeProto& node(ModelProto& m, const char* op, const char* input, const char* output) {
  auto& added = *m.mutable_graph()->add_node();
  added.set_op_type(op);
  added.add_input(input);
  added.add_output(output);
  return added;
}

void nest(onnx::GraphProto& graph, int depth) {
  if (depth == 0) return;
  auto& added = *graph.add_node();
  added.set_op_type("If");
  auto& attribute = *added.add_attribute();
  attribute.set_name("b");
  attribute.set_type(AttributeProto::GRAPH);
  nest(*attribute.mutable_g(), depth - 1);
}

void external(TensorProto& tensor, const char* key, const std::string& value) {
  tensor.clear_raw_data();
  tensor.set_data_location(TensorProto::EXTERNAL);
  auto& entry = *tensor.add_external_data();
  entry.set_key(key);
  entry.set_value(value);
}

std::vector<Case> tensor_cases() {
  auto broken = [](std::function<void(TensorProto&)> edit) { return [edit](ModelProto& m) { edit(weight(m, zeros("w", {4, 4}))); }; };
  return {
      {"FILE: tensor \"w\": raw_data holds 10 bytes, 4x4 float32 needs 64", broken([](auto& t) { t.set_raw_data(std::string(10, 'x')); })},
      {"FILE: tensor \"w\": raw_data holds 0 bytes, 4x4 float32 needs 64", broken([](auto& t) { t.clear_raw_data(); })},
      {"FILE: tensor \"w\": raw_data holds 64 bytes, 4x4 int4 needs 8", broken([](auto& t) { t.set_data_type(22); })},
      {"FILE: tensor \"w\": dimension -4 is negative", broken([](auto& t) { t.set_dims(0, -4); })},
      {"FILE: tensor \"w\": shape 4611686018427387904x4 is too large", broken([](auto& t) { t.set_dims(0, int64_t{1} << 62); })},
      {"FILE: tensor \"w\": shape 1152921504606846976x4 is too large", broken([](auto& t) { t.set_dims(0, int64_t{1} << 60); })},
      {"FILE: tensor \"w\": raw_data holds 64 bytes, 1073741824x4 float32 needs 17179869184",
       broken([](auto& t) { t.set_dims(0, int64_t{1} << 30); })},
      {"FILE: tensor \"w\": elements in both raw_data and float_data", broken([](auto& t) { t.add_float_data(1); })},
      {"FILE: tensor \"w\": float_data holds 1 values, 4x4 float32 needs 16",
       broken([](auto& t) { t.clear_raw_data(), t.add_float_data(1); })},
      {"FILE: tensor \"w\": float_data holds 0 values, 4x4 float32 needs 16",
       broken([](auto& t) { t.clear_raw_data(), t.add_int64_data(1); })},
      {"FILE: tensor \"w\": int32_data holds 1 values, 1073741824x4 int8 needs 4294967296",
       broken([](auto& t) { t.clear_raw_data(), t.set_data_type(3), t.set_dims(0, 1 << 30), t.add_int32_data(1); })},
      {"FILE: tensor \"w\": int32_data holds 300, out of range for int8",
       broken([](auto& t) { t.clear_raw_data(), t.clear_dims(), t.set_data_type(3), t.add_int32_data(300); })},
      {"FILE: tensor \"w\": int32_data holds 2, out of range for bool",
       broken([](auto& t) { t.clear_raw_data(), t.clear_dims(), t.set_data_type(9), t.add_int32_data(2); })},
      {"FILE: tensor \"w\": int32_data holds 256, expected a byte of packed elements",
       broken([](auto& t) { t.clear_raw_data(), t.clear_dims(), t.set_data_type(22), t.add_int32_data(256); })},
      {"FILE: tensor \"w\": a bool is neither 0 nor 1", broken([](auto& t) { t.set_data_type(9), t.set_raw_data(std::string(16, '\2')); })},
      {"FILE: tensor \"w\": strings in raw_data, expected them in string_data", broken([](auto& t) { t.set_data_type(8); })},
      {"FILE: tensor \"w\": string_data holds 1 values, 4x4 string needs 16",
       broken([](auto& t) { t.clear_raw_data(), t.set_data_type(8), t.add_string_data(""); })},
      {"FILE: an initializer without a name", broken([](auto& t) { t.clear_name(); })},
      {"FILE: tensor \"w\": external data file \"w.bin\": a model from stdin has no directory, give --base-dir",
       broken([](auto& t) { external(t, "location", "w.bin"); })},
      {"FILE: tensor \"w\": external data has no location", broken([](auto& t) { external(t, "offset", "0"); })},
      {"FILE: node \"Relu_y\": a: raw_data holds 3 bytes, scalar float32 needs 4",
       [](ModelProto& m) {
         auto& attribute = *m.mutable_graph()->mutable_node(0)->add_attribute();
         attribute.set_name("a");
         attribute.set_type(AttributeProto::TENSOR);
         *attribute.mutable_t() = zeros("", {});
         attribute.mutable_t()->set_raw_data("abc");
       }},
  };
}

std::vector<Case> graph_cases() {
  return {
      {"FILE: node \"Relu_y\": input 0 \"gone\" is made by no node and is no input or weight",
       [](ModelProto& m) { m.mutable_graph()->mutable_node(0)->set_input(0, "gone"); }},
      {"FILE: node \"n\": no operator (op_type)", [](ModelProto& m) { m.mutable_graph()->add_node()->set_name("n"); }},
      {"FILE: graph output \"gone\" is made by no node and is no input or weight",
       [](ModelProto& m) { m.mutable_graph()->mutable_output(0)->set_name("gone"); }},
      {"FILE: graph output \"\" is made by no node and is no input or weight", [](ModelProto& m) { m.mutable_graph()->add_output(); }},
      {"FILE: node \"Abs_y\": value \"y\" is defined twice in one graph", [](ModelProto& m) { node(m, "Abs", "x", "y"); }},
      {"FILE: node \"Abs_x\": value \"x\" is defined twice in one graph", [](ModelProto& m) { node(m, "Abs", "x", "x"); }},
      {"FILE: value \"x\" is defined twice in one graph", [](ModelProto& m) { *m.mutable_graph()->add_input() = m.graph().input(0); }},
      {"FILE: a graph input without a name", [](ModelProto& m) { m.mutable_graph()->add_input(); }},
      {"FILE: initializer \"w\" is defined twice", [](ModelProto& m) { weight(m, zeros("w", {})), weight(m, zeros("w", {})); }},
      {"FILE: node \"Abs_a\" lies on a cycle", [](ModelProto& m) { node(m, "Abs", "b", "a"), node(m, "Abs", "a", "b"); }},
      {"FILE: node \"Abs_a\" lies on a cycle", [](ModelProto& m) { node(m, "Abs", "a", "a"); }},
      {"FILE: node \"If_a\" lies on a cycle",
       [](ModelProto& m) {
         auto& attribute = *node(m, "If", "x", "a").add_attribute();
         attribute.set_name("body");
         attribute.set_type(AttributeProto::GRAPH);
         attribute.mutable_g()->add_output()->set_name("a");
       }},
      {"FILE: function \"m.F\" is defined twice",
       [](ModelProto& m) {
         for (int i = 0; i < 2; ++i) {
           auto& function = *m.add_functions();
           function.set_domain("m");
           function.set_name("F");
         }
       }},
      {"FILE: function \"m.F\" calls itself",
       [](ModelProto& m) {
         auto& function = *m.add_functions();
         function.set_domain("m");
         function.set_name("F");
         auto& call = *function.add_node();
         call.set_domain("m");
         call.set_op_type("F");
       }},
      {"FILE: node \"F_z\" has 1 inputs, its function m.F declares 0",
       [](ModelProto& m) {
         auto& function = *m.add_functions();
         function.set_domain("m");
         function.set_name("F");
         node(m, "F", "x", "z").set_domain("m");
       }},
      {"FILE: functions call functions, deeper than 256",
       [](ModelProto& m) {
         for (int i = 0; i < 1000; ++i) {
           auto& function = *m.add_functions();
           function.set_name("F" + std::to_string(i));
           function.add_node()->set_op_type("F" + std::to_string(i + 1));
         }
       }},
      {"FILE: function \"m.F\": graph output \"v\" is made by no node and is no input or weight",
       [](ModelProto& m) {
         auto& function = *m.add_functions();
         function.set_domain("m");
         function.set_name("F");
         function.add_output("v");
       }},
  };
}

void run(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    ModelProto message = small_message();
    one.apply(message);
    CHECK(error_of(message.SerializeAsString()) == one.expected);
  }
}

double cpu_seconds_of(const std::function<void()>& work) {
  const std::clock_t start = std::clock();
  work();
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

}  // namespace

TEST_CASE("hostile: tensors") { run(tensor_cases()); }

TEST_CASE("hostile: graphs") { run(graph_cases()); }

TEST_CASE("hostile: bytes that are no model") {
  CHECK(error_of("") == "FILE: not an ONNX model (it is empty)");
  CHECK(error_of("PK\3\4 and so on") == "FILE: not an ONNX model (it is cut short, or no protobuf message)");
  CHECK(error_of(std::string("\x08\x08", 2)) == "FILE: not an ONNX model (it holds no graph)");
  const std::string whole = small_message().SerializeAsString();
  for (size_t length = 1; length < whole.size(); ++length) {
    const std::string error = error_of(whole.substr(0, length));
    CHECK((error.empty() || error.starts_with("FILE: ")));
  }
  CHECK(error_of(whole.substr(0, whole.size() - 1)) == "FILE: not an ONNX model (it is cut short, or no protobuf message)");
}

TEST_CASE("hostile: files that are no files") {
  const testing::TempDir dir;
  auto error = [](const std::string& path) -> std::string {
    try {
      onnxio::load(path);
    } catch (const Error& found) {
      CHECK(found.code() == ExitCode::invalid_file);
      return found.what();
    }
    return "";
  };
  CHECK(error(dir.path()).find("is a directory, expected a file") != std::string::npos);
  CHECK(error(dir.path("missing.onnx")).find("missing.onnx: ") != std::string::npos);
  CHECK(error(dir.path("missing.onnx")).find("No such file") != std::string::npos);
  write_output(dir.path("empty.onnx"), "");
  CHECK(error(dir.path("empty.onnx")) == dir.path("empty.onnx") + ": not an ONNX model (it is empty)");
}

TEST_CASE("hostile: bodies within bodies") {
  auto nested = [](int depth) {
    ModelProto message = small_message();
    nest(*message.mutable_graph(), depth);
    return message;
  };
  CHECK(error_of(nested(64).SerializeAsString()) == "");
  CHECK(testing::roundtrip_difference(nested(64)) == "");
  CHECK(error_of(nested(65).SerializeAsString()).find("bodies within bodies, deeper than 64") != std::string::npos);
  CHECK(error_of(nested(200).SerializeAsString()) == "FILE: not an ONNX model (it is cut short, or no protobuf message)");
}

TEST_CASE("hostile: many small things take time in proportion") {
  constexpr int kMany = 100000;
  ModelProto message = small_message();
  for (int i = 0; i < kMany; ++i) {
    auto& tensor = weight(message, zeros("", {1}));
    tensor.set_name("w" + std::to_string(i));
    auto& one = node(message, "Add", "x", "");
    one.set_output(0, "v" + std::to_string(i));
    one.add_input(tensor.name());
  }
  const std::string bytes = message.SerializeAsString();
  CHECK(cpu_seconds_of([&] { CHECK(error_of(bytes) == ""); }) < 20);
}

TEST_CASE("nodes out of order are sorted, the others stay where they are") {
  ModelProto message = message_of_text(R"(
    <ir_version: 8, opset_import: ["" : 17]>
    g (float[2] x, bool c) => (float[2] d) { a = Neg(x) d = If (c) <then_branch = t () => (float[2] later) { }> b = Abs(a) later = Relu(b) })");
  const Model model = onnxio::parse(message.SerializeAsString());
  lint(model, "load");
  std::vector<std::string> order;
  for (const Node& one : model.graph->nodes())
    if (one.is_call()) order.push_back(one.op);
  CHECK(order == std::vector<std::string>{"Neg", "Abs", "Relu", "If"});
}

TEST_CASE("an inner value hides an outer one of the same name") {
  const Model model = onnxio::parse(message_of_text(R"(
    <ir_version: 8, opset_import: ["" : 17]>
    g (float[2] x, bool c) => (float[2] y) {
      a = Neg(x)
      y = If (c) <then_branch = t () => (float[2] o) { a = Abs(x) o = Relu(a) }>
    })")
                                        .SerializeAsString());
  const Node& owner = model.graph->find("y")->producer();
  CHECK(owner.captures() == std::vector<Value*>{model.graph->find("x")});
  CHECK(owner.bodies()[0].graph->find("o")->producer().in(0)->producer().op == "Abs");
}
