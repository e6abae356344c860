// The law save(load(m)) == m where a file is unusual: presence of empty fields, unknown fields, every kind of attribute and tensor.

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <functional>

#include "onnxio/messages.h"
#include "onnxio/onnxio.h"

using namespace qtool;
using onnx::AttributeProto;
using onnx::ModelProto;
using onnx::TensorProto;
using testing::message_of_text;
using testing::roundtrip_difference;
using testing::small_message;
using testing::zeros;

namespace {

struct Edit {
  const char* what;
  std::function<void(ModelProto&)> apply;
};

void add_unknown(google::protobuf::Message& message) {
  message.GetReflection()->MutableUnknownFields(&message)->AddLengthDelimited(777, "from the future");
}

onnx::NodeProto& first_node(ModelProto& m) { return *m.mutable_graph()->mutable_node(0); }

AttributeProto& add_attribute(ModelProto& m, const char* name, AttributeProto::AttributeType type) {
  auto& attribute = *first_node(m).add_attribute();
  attribute.set_name(name);
  attribute.set_type(type);
  return attribute;
}

TensorProto& add_weight(ModelProto& m, const TensorProto& tensor) { return *m.mutable_graph()->add_initializer() = tensor; }

void add_value_info(ModelProto& m, const std::string& name, int64_t dim) {
  auto& info = *m.mutable_graph()->add_value_info();
  info.set_name(name);
  info.mutable_type()->mutable_tensor_type()->set_elem_type(1);
  info.mutable_type()->mutable_tensor_type()->mutable_shape()->add_dim()->set_dim_value(dim);
}

void add_input(ModelProto& m, const std::string& name) {
  auto& input = *m.mutable_graph()->add_input() = m.graph().input(0);
  input.set_name(name);
  input.set_doc_string("input " + name);
}

void run(const std::vector<Edit>& edits) {
  for (const Edit& edit : edits) {
    INFO(edit.what);
    ModelProto message = small_message();
    edit.apply(message);
    CHECK(roundtrip_difference(message) == "");
  }
}

}  // namespace

TEST_CASE("law: empty and absent fields stay what they are") {
  run({
      {"empty strings of a node", [](ModelProto& m) { first_node(m).set_name(""), first_node(m).set_domain(""); }},
      {"no domain at all", [](ModelProto& m) { first_node(m).clear_domain(), first_node(m).clear_name(); }},
      {"the long name of the default domain", [](ModelProto& m) { first_node(m).set_domain("ai.onnx"); }},
      {"an opset of the long name", [](ModelProto& m) { m.mutable_opset_import(0)->set_domain("ai.onnx"); }},
      {"an opset without domain", [](ModelProto& m) { m.mutable_opset_import(0)->clear_domain(); }},
      {"an opset twice", [](ModelProto& m) { *m.add_opset_import() = m.opset_import(0); }},
      {"no opset", [](ModelProto& m) { m.clear_opset_import(), m.set_ir_version(2); }},
      {"no graph name", [](ModelProto& m) { m.mutable_graph()->clear_name(); }},
      {"an empty graph name", [](ModelProto& m) { m.mutable_graph()->set_name(""); }},
      {"trailing omitted inputs", [](ModelProto& m) { first_node(m).add_input(""), first_node(m).add_input(""); }},
      {"an omitted output", [](ModelProto& m) { first_node(m).add_output(""); }},
      {"an input without type", [](ModelProto& m) { m.mutable_graph()->mutable_input(0)->clear_type(); }},
      {"an output with an empty type", [](ModelProto& m) { m.mutable_graph()->mutable_output(0)->mutable_type()->Clear(); }},
      {"an empty dimension name",
       [](ModelProto& m) {
         m.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim(0)->set_dim_param("");
       }},
      {"a negative dimension of an input",
       [](ModelProto& m) {
         m.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim(0)->set_dim_value(-1);
       }},
      {"metadata with one key twice, and no value",
       [](ModelProto& m) {
         for (int i = 0; i < 2; ++i) m.add_metadata_props()->set_key("k");
       }},
  });
}

TEST_CASE("law: what this onnx library does not know survives") {
  run({
      {"model", [](ModelProto& m) { add_unknown(m); }},
      {"graph", [](ModelProto& m) { add_unknown(*m.mutable_graph()); }},
      {"node", [](ModelProto& m) { add_unknown(first_node(m)); }},
      {"attribute", [](ModelProto& m) { add_unknown(add_attribute(m, "a", AttributeProto::INT)); }},
      {"tensor", [](ModelProto& m) { add_unknown(add_weight(m, zeros("w", {2}))); }},
      {"input", [](ModelProto& m) { add_unknown(*m.mutable_graph()->mutable_input(0)); }},
      {"output", [](ModelProto& m) { add_unknown(*m.mutable_graph()->mutable_output(0)); }},
      {"opset", [](ModelProto& m) { add_unknown(*m.mutable_opset_import(0)); }},
      {"metadata", [](ModelProto& m) { add_unknown(*m.add_metadata_props()); }},
      {"type", [](ModelProto& m) { add_unknown(*m.mutable_graph()->mutable_input(0)->mutable_type()); }},
      {"an attribute kind of the future",
       [](ModelProto& m) {
         auto& attribute = *first_node(m).add_attribute();
         attribute.set_name("a");
         attribute.GetReflection()->MutableUnknownFields(&attribute)->AddVarint(AttributeProto::kTypeFieldNumber, 99);
       }},
      {"training information", [](ModelProto& m) { *m.add_training_info()->mutable_algorithm() = small_message().graph(); }},
      {"quantization annotation", [](ModelProto& m) { m.mutable_graph()->add_quantization_annotation()->set_tensor_name("x"); }},
  });
}

TEST_CASE("law: every kind of attribute") {
  run({
      {"int", [](ModelProto& m) { add_attribute(m, "a", AttributeProto::INT).set_i(-3); }},
      {"int without value", [](ModelProto& m) { add_attribute(m, "a", AttributeProto::INT); }},
      {"NaN", [](ModelProto& m) { add_attribute(m, "a", AttributeProto::FLOAT).set_f(std::nanf("7")); }},
      {"bytes", [](ModelProto& m) { add_attribute(m, "a", AttributeProto::STRING).set_s(std::string("\0\xff", 2)); }},
      {"ints", [](ModelProto& m) { add_attribute(m, "a", AttributeProto::INTS).add_ints(1); }},
      {"no ints", [](ModelProto& m) { add_attribute(m, "a", AttributeProto::INTS); }},
      {"floats", [](ModelProto& m) { add_attribute(m, "a", AttributeProto::FLOATS).add_floats(-0.0f); }},
      {"strings", [](ModelProto& m) { add_attribute(m, "a", AttributeProto::STRINGS).add_strings(""); }},
      {"tensor",
       [](ModelProto& m) {
         *add_attribute(m, "a", AttributeProto::TENSOR).mutable_t() = zeros("named", {2, 2});
       }},
      {"tensor without tensor", [](ModelProto& m) { add_attribute(m, "a", AttributeProto::TENSOR); }},
      {"tensors", [](ModelProto& m) { *add_attribute(m, "a", AttributeProto::TENSORS).add_tensors() = zeros("t", {1}); }},
      {"graph", [](ModelProto& m) { *add_attribute(m, "a", AttributeProto::GRAPH).mutable_g() = small_message().graph(); }},
      {"graphs",
       [](ModelProto& m) {
         auto& attribute = add_attribute(m, "a", AttributeProto::GRAPHS);
         for (int i = 0; i < 2; ++i) *attribute.add_graphs() = small_message().graph();
       }},
      {"type", [](ModelProto& m) { *add_attribute(m, "a", AttributeProto::TYPE_PROTO).mutable_tp() = m.graph().input(0).type(); }},
      {"sparse tensor",
       [](ModelProto& m) {
         *add_attribute(m, "a", AttributeProto::SPARSE_TENSOR).mutable_sparse_tensor()->mutable_values() = zeros("v", {3});
       }},
      {"documented", [](ModelProto& m) { add_attribute(m, "a", AttributeProto::INT).set_doc_string("why"); }},
      {"documented tensor",
       [](ModelProto& m) {
         auto& attribute = add_attribute(m, "a", AttributeProto::TENSOR);
         attribute.set_doc_string("why");
         *attribute.mutable_t() = zeros("", {});
       }},
      {"reference", [](ModelProto& m) { add_attribute(m, "a", AttributeProto::INT).set_ref_attr_name("b"); }},
      {"two fields",
       [](ModelProto& m) { add_attribute(m, "a", AttributeProto::INT).set_i(1), first_node(m).mutable_attribute(0)->set_f(2); }},
      {"int of IR 1, without type",
       [](ModelProto& m) {
         add_attribute(m, "a", AttributeProto::INT).set_i(5);
         first_node(m).mutable_attribute(0)->clear_type();
       }},
      {"graph of IR 1, without type",
       [](ModelProto& m) {
         *add_attribute(m, "a", AttributeProto::GRAPH).mutable_g() = small_message().graph();
         first_node(m).mutable_attribute(0)->clear_type();
       }},
      {"without name", [](ModelProto& m) { add_attribute(m, "", AttributeProto::INT).clear_name(); }},
  });
}

TEST_CASE("law: every way to store a tensor") {
  auto typed = [](int type, auto fill) {
    return [type, fill](ModelProto& m) {
      TensorProto tensor;
      tensor.set_name("w");
      tensor.set_data_type(type);
      tensor.add_dims(3);
      fill(tensor);
      add_weight(m, tensor);
    };
  };
  auto ints = [](std::vector<int32_t> values) {
    return [values](TensorProto& t) {
      for (const int32_t v : values) t.add_int32_data(v);
    };
  };
  auto raw = [](size_t bytes) { return [bytes](TensorProto& t) { t.set_raw_data(std::string(bytes, '\1')); }; };
  run({
      {"float_data", typed(1, [](TensorProto& t) { t.add_float_data(1), t.add_float_data(NAN), t.add_float_data(-0.0f); })},
      {"double_data", typed(11,
                            [](TensorProto& t) {
                              for (int i = 0; i < 3; ++i) t.add_double_data(i);
                            })},
      {"int64_data", typed(7,
                           [](TensorProto& t) {
                             for (int i = 0; i < 3; ++i) t.add_int64_data(-i);
                           })},
      {"uint64_data", typed(13,
                            [](TensorProto& t) {
                              for (int i = 0; i < 3; ++i) t.add_uint64_data(~0ull);
                            })},
      {"uint32 in uint64_data", typed(12,
                                      [](TensorProto& t) {
                                        for (int i = 0; i < 3; ++i) t.add_uint64_data(4294967295u);
                                      })},
      {"int32", typed(6, ints({-1, 2, 3}))},
      {"int16", typed(5, ints({-32768, 2, 32767}))},
      {"uint16", typed(4, ints({0, 2, 65535}))},
      {"int8", typed(3, ints({-128, 2, 127}))},
      {"uint8", typed(2, ints({0, 2, 255}))},
      {"bool", typed(9, ints({0, 1, 1}))},
      {"float16", typed(10, ints({0, 0x3c00, 0xffff}))},
      {"bfloat16", typed(16, ints({0, 0x3f80, 0xffff}))},
      {"float8", typed(17, ints({0, 7, 255}))},
      {"int4", typed(22, ints({0x7f, 0x08}))},
      {"uint2", typed(25, ints({0x3f}))},
      {"complex64", typed(14,
                          [](TensorProto& t) {
                            for (int i = 0; i < 6; ++i) t.add_float_data(1);
                          })},
      {"complex128", typed(15,
                           [](TensorProto& t) {
                             for (int i = 0; i < 6; ++i) t.add_double_data(1);
                           })},
      {"strings", typed(8,
                        [](TensorProto& t) {
                          for (int i = 0; i < 3; ++i) t.add_string_data(std::string(1, '\0'));
                        })},
      {"raw bool", typed(9, raw(3))},
      {"raw float8", typed(20, raw(3))},
      {"raw int4", typed(22, [](TensorProto& t) { t.set_raw_data("\x7f\x08"); })},
      {"raw float4", typed(23, [](TensorProto& t) { t.set_raw_data("\x7f\x0f"); })},
      {"raw int2", typed(26, [](TensorProto& t) { t.set_raw_data("\x2d"); })},
      {"raw complex128", typed(15, raw(48))},
      {"a type of the future", typed(27, raw(17))},
      {"documented", typed(2, [](TensorProto& t) { t.set_raw_data("abc"), t.set_doc_string("why"); })},
      {"location said to be default", typed(2, [](TensorProto& t) { t.set_raw_data("abc"), t.set_data_location(TensorProto::DEFAULT); })},
      {"no elements",
       [](ModelProto& m) {
         add_weight(m, zeros("w", {0, 4}));
       }},
      {"no elements and no field", [](ModelProto& m) { add_weight(m, zeros("w", {0})).clear_raw_data(); }},
      {"a scalar", [](ModelProto& m) { add_weight(m, zeros("w", {})); }},
      {"a segment", [](ModelProto& m) { add_weight(m, zeros("w", {2})).mutable_segment()->set_begin(1); }},
  });
}

TEST_CASE("law: weights and inputs keep their order") {
  auto with_weights = [](int64_t ir, std::vector<std::string> inputs, std::vector<std::string> weights) {
    return [=](ModelProto& m) {
      m.set_ir_version(ir);
      for (const auto& name : inputs) add_input(m, name);
      for (const auto& name : weights) add_weight(m, zeros(name, {4}));
    };
  };
  run({
      {"IR 3: weights are inputs too", with_weights(3, {"w1", "x2", "w2"}, {"w2", "w1"})},
      {"IR 3: some weights are no inputs", with_weights(3, {"w1"}, {"w0", "w1"})},
      {"IR 8: defaults between weights", with_weights(8, {"d1", "x2", "d2"}, {"w1", "d2", "w2", "d1"})},
      {"IR 8: defaults first", with_weights(8, {"d1", "d2"}, {"d1", "d2", "w1"})},
      {"sparse",
       [](ModelProto& m) {
         auto& sparse = *m.mutable_graph()->add_sparse_initializer();
         *sparse.mutable_values() = zeros("s", {1});
         *sparse.mutable_indices() = zeros("", {1});
         sparse.add_dims(8);
         add_weight(m, zeros("w", {1}));
       }},
  });
}

TEST_CASE("law: outputs and declared types") {
  auto output = [](ModelProto& m, const char* name) -> onnx::ValueInfoProto& {
    auto& added = *m.mutable_graph()->add_output();
    added.set_name(name);
    return added;
  };
  run({
      {"an input as output", [=](ModelProto& m) { output(m, "x"); }},
      {"a weight as output", [=](ModelProto& m) { add_weight(m, zeros("w", {4})), output(m, "w"); }},
      {"an output twice", [=](ModelProto& m) { output(m, "y").set_doc_string("again"); }},
      {"no outputs", [](ModelProto& m) { m.mutable_graph()->clear_output(); }},
      {"value_info of a value", [](ModelProto& m) { add_value_info(m, "y", 4); }},
      {"value_info of an input", [](ModelProto& m) { add_value_info(m, "x", 4); }},
      {"value_info of nothing", [](ModelProto& m) { add_value_info(m, "elsewhere", 4); }},
      {"value_info twice", [](ModelProto& m) { add_value_info(m, "y", 4), add_value_info(m, "y", 4); }},
      {"a sequence",
       [](ModelProto& m) {
         auto& type = *m.mutable_graph()->mutable_input(0)->mutable_type();
         type.mutable_sequence_type()->mutable_elem_type()->mutable_tensor_type()->set_elem_type(1);
       }},
      {"denotations",
       [](ModelProto& m) {
         auto& type = *m.mutable_graph()->mutable_input(0)->mutable_type();
         type.set_denotation("IMAGE");
         type.mutable_tensor_type()->mutable_shape()->mutable_dim(0)->set_denotation("DATA_BATCH");
       }},
  });
}

TEST_CASE("law: bodies") {
  CHECK(roundtrip_difference(message_of_text(R"(
    <ir_version: 8, opset_import: ["" : 17]>
    g (float[2] x, bool c) => (float[2] y) {
      h = Neg(x)
      y = If (c) <then_branch = t () => (float[2] h) { },
                  else_branch = e () => (float[2] b) <float[2] w = {1, 2}> {
                     z = If (c) <then_branch = tt () => (float[2] q) { q = Add(h, w) }, else_branch = ee () => (float[2] x) { }>
                     b = Relu(z) }>
    })")) == "");
}

TEST_CASE("law: functions") {
  ModelProto message = message_of_text(R"(
    <ir_version: 10, opset_import: ["" : 17, "m" : 1]>
    g (float[2] x) => (float[2] y) { t = m.Twice(x) y = m.Outer(t) }
    <domain: "m", opset_import: ["" : 18]>
    Twice <a> (u, unused) => (v) { v = LeakyRelu <alpha : float = @a> (u) }
    <domain: "m", opset_import: ["" : 17, "m" : 1]>
    Outer (u) => (u) { v = m.Twice(u) })");
  for (auto& function : *message.mutable_functions()) add_unknown(function), function.set_doc_string("why");
  AttributeProto fallback;
  fallback.set_name("beta");
  fallback.set_type(AttributeProto::FLOAT);
  fallback.set_f(0.5);
  auto& function = *message.mutable_functions(0);
  auto& unknown = *function.GetReflection()->MutableUnknownFields(&function);
  unknown.AddLengthDelimited(11, fallback.SerializeAsString());
  unknown.AddLengthDelimited(12, message.graph().input(0).SerializeAsString());
  const ModelProto again = testing::message_of_bytes(message.SerializeAsString());  // fields this library knows move to their place
  CHECK(roundtrip_difference(again) == "");
  const Model model = onnxio::parse(message.SerializeAsString());
  REQUIRE(model.functions[0]->attribute_defaults.size() == 1);
  CHECK(std::get<float>(model.functions[0]->attribute_defaults[0].value) == 0.5f);
  CHECK(model.functions[0]->opsets == Opsets{{"", 18}});
  CHECK(model.functions[0]->attributes == std::vector<std::string>{"a"});
}

TEST_CASE("law: overloads tell functions of one name apart") {
  ModelProto message = message_of_text(R"(
    <ir_version: 10, opset_import: ["" : 17, "m" : 1]>
    g (float[2] x) => (float[2] y) { t = m.F(x) y = m.F(t) }
    <domain: "m", opset_import: ["" : 17]> F (u) => (v) { v = Neg(u) }
    <domain: "m", opset_import: ["" : 17]> F (u) => (v) { v = Abs(u) })");
  auto overload = [](google::protobuf::Message& m, int number) {
    m.GetReflection()->MutableUnknownFields(&m)->AddLengthDelimited(number, "second");
  };
  overload(*message.mutable_functions(1), 13);
  overload(*message.mutable_graph()->mutable_node(1), 8);
  message = testing::message_of_bytes(message.SerializeAsString());
  CHECK(roundtrip_difference(message) == "");
  const Model model = onnxio::parse(message.SerializeAsString());
  const Node& call = model.graph->find("y")->producer();
  CHECK(call.kind() == NodeKind::call_module);
  CHECK(call.overload == "second");
  CHECK(model.function_of(call).body->find("v")->producer().op == "Abs");
}
